import json

import pytest

from benchmarks import table1
from benchmarks.jobs import Job, Log
from benchmarks.table1 import ROWS, Table1Config, findings, jobs, measured, read_results, report, spread, trainings
from benchmarks.table1_plot import figure, plot
from stmt_tf.evaluate.comparison import parse_others

PAPER = {(row, 0): {"vfid": paper.vfid, "psnr": paper.psnr} for row, paper in ROWS.items()}


def with_seed(**changes):
    """The paper's figures twice, the second time with other VFIDs of these rows."""
    second = {(row, 1): {**PAPER[row, 0], "vfid": changes.get(row, PAPER[row, 0]["vfid"])} for row in ROWS}
    return {**PAPER, **second}


def test_every_row_is_trained_once_for_each_seed():
    all_jobs = list(jobs(Table1Config(out="o", seeds=3)))
    of_seed = ["train"] + ["train", "export", "evaluate"] * 9 + ["evaluate"]
    assert [job.module.rpartition(".")[2] for job in all_jobs] == ["synthetic_dancers"] * 2 + of_seed * 3
    by_name = {job.name: job.arguments for job in all_jobs}
    assert len(by_name) == len(all_jobs)
    assert {"--init=o/seed2/stage1", "--seed=2", "--flagfile=configs/small/mse.flags"} < set(by_name["mse, seed 2"])
    assert "--workdir=o/seed2/stage1" in by_name["stage 1, seed 2"]
    (made,) = set(by_name["export mse, seed 2"]) - {"--workdir=o/seed2/mse/training"}
    model = made.replace("--output", "--model")
    assert {model, "--output=o/seed2/mse/results"} < set(by_name["evaluate mse, seed 2"])


def test_own_records_are_not_rendered():
    first = next(jobs(Table1Config(out="o", records="r")))
    assert first.name == "stage 1, seed 0" and "--val_records=r/val-*.tfrecord" in first.arguments


def test_pairs_are_as_many_as_the_test_split_has_videos():
    renders = [job for job in jobs(Table1Config(out="o", num_pairs=7)) if job.name == "render test"]
    assert "--num_videos=140" in renders[0].arguments and "--splits=test" in renders[0].arguments


def test_the_papers_own_figures_show_all_its_findings():
    lines = findings(with_seed()).splitlines()[2:]
    assert len(lines) == len(table1.FINDINGS) and all(" yes |" in line for line in lines)


def test_a_gain_within_the_spread_of_seeds_is_no_finding():
    figures = with_seed(mse_vgg=9.50 + 0.3, rb6=7.99 + 0.3, rb6_dv=7.93 + 0.3)
    assert spread(figures, "vfid") == pytest.approx(0.3) and spread(figures, "psnr") == 0.0
    cells = [[cell.strip() for cell in line.split("|")] for line in findings(figures).splitlines()[2:]]
    of_vfid = {
        text: (ours, each, verdict) for _, text, _, _, figure, _, ours, each, verdict, _ in cells if figure == "VFID"
    }
    assert of_vfid["several frames beat one"] == ("+1.51", "+1.51, +1.51", "yes")
    assert of_vfid["D_V helps"] == ("+0.06", "+0.06, +0.06", "within the spread of seeds")
    assert of_vfid["attention beats the average"] == ("-0.02", "+0.13, -0.17", "within the spread of seeds")
    for seed in (0, 1):
        figures["rb6_dv", seed] = {"vfid": 9.0, "psnr": 22.0}
    assert [line.split("|")[8].strip() for line in findings(figures).splitlines() if "D_V helps" in line] == [
        "no",
        "no",
    ]


def test_one_seed_gives_no_verdict():
    assert findings(PAPER).count(" one seed |") == len(table1.FINDINGS)


def test_table_has_both_columns_with_differences_to_the_first_row():
    text = table1.table(with_seed(mse=11.0, rb6_sa2d_dv=9.0))
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]
    assert lines[2] == ["MSE", "10.25", "+0.00", "22.10", "+0.00", "10.25", "+0.00", "22.10", "+0.00"]
    assert lines[-1][0] == "MSE + VGG + Fusion RB6+SA2D + D_V (seed 1)"
    assert lines[-1][1:] == ["", "", "", "", "9.00", "-2.00", "23.20", "+1.10"]


def write_results(config, row, seed, vfid):
    results = config.place(seed, row) / "results"
    results.mkdir(parents=True)
    # A single-frame row is judged by one source frame, a row with a fusion by all of them.
    used, other = ("model K=1", "model K=4") if row.startswith("mse") else ("model K=4", "model K=1")
    means = {used: {"VFID": vfid, "psnr": 20.0}, other: {"VFID": 99.0, "psnr": 99.0}}
    means["truth, earlier frames"] = {"VFID": 1.5, "psnr": None}
    notes = ["50 videos are few", "VFID, 95% bootstrap interval over the videos (200 resamples): model K=1 1 to 2"]
    metrics = {"means": means, "pairs": 50, "size": 64, "video_distances": {"notes": notes}}
    (results / "metrics.json").write_text(json.dumps(metrics))


def test_report_reads_the_evaluations(tmp_path):
    config = Table1Config(out=str(tmp_path))
    for row, seed in trainings(2):
        write_results(config, row, seed, ROWS[row].vfid + seed)
    text = report(read_results(config), hours=1.25)
    assert "seeds of one gain: VFID 0.00, PSNR 0.00" in text and "real against real: VFID 1.50" in text
    assert "50 same-video pairs, 64 pixels; 1.2 hours in all\n" in text and "several frames have it harder" in text
    assert "- 50 videos are few\n" in text and "bootstrap" not in text and "99.00" not in text


def test_rows_measured_so_far_make_a_table(tmp_path):
    config = Table1Config(out=str(tmp_path))
    for row in ("mse", "mse_vgg"):
        write_results(config, row, 0, ROWS[row].vfid)
    write_results(config, "mse", 1, 10.0)
    text = report(read_results(config), hours=1.25)
    assert text.count("a perceptual loss helps") == 2 and "several frames beat one" not in text
    assert text.count(" one seed |") == 2 and "MSE (seed 1)" in text and "largest difference" not in text


def test_settings_that_make_no_table_are_refused():
    with pytest.raises(ValueError, match="--out is required"):
        Table1Config()
    with pytest.raises(ValueError, match="--num_pairs must be at least 2, got 1"):
        Table1Config(out="o", num_pairs=1)


def test_missing_files_are_found_before_the_first_job(tmp_path):
    table1.check(Table1Config(out="o"))
    with pytest.raises(FileNotFoundError, match="none/mse.flags is no flagfile"):
        table1.check(Table1Config(out="o", configs="none"))
    with pytest.raises(FileNotFoundError, match="no record file matches --records="):
        table1.check(Table1Config(out="o", records=str(tmp_path)))


def copy(tmp_path, name="copy", to="to.json"):
    return Job(name, "json.tool", (str(tmp_path / "from.json"), str(tmp_path / to)))


def test_jobs_are_done_once(tmp_path):
    (tmp_path / "from.json").write_text("[1]")
    Log(tmp_path / "jobs.json").run([copy(tmp_path)])
    assert json.loads((tmp_path / "to.json").read_text()) == [1]
    (tmp_path / "to.json").unlink()
    log = Log(tmp_path / "jobs.json")
    sizes = []
    log.run([copy(tmp_path), copy(tmp_path, "another", "another.json")], lambda: sizes.append(len(log.entries)))
    assert not (tmp_path / "to.json").exists() and (tmp_path / "another.json").exists() and sizes == [1, 2]
    assert log.hours > 0 and all(entry["done"] for entry in log.entries.values())


def test_failed_job_is_done_again_and_its_time_counts(tmp_path):
    with pytest.raises(SystemExit, match="json.tool .*from.json .* ended with [12]; the same command goes on"):
        Log(tmp_path / "jobs.json").run([copy(tmp_path)])
    failed = json.loads((tmp_path / "jobs.json").read_text())["copy"]
    assert not failed["done"] and failed["command"].startswith("python -m json.tool ")
    (tmp_path / "from.json").write_text("[2]")
    log = Log(tmp_path / "jobs.json")
    log.run([copy(tmp_path)])
    assert log.entries["copy"]["done"] and log.entries["copy"]["seconds"] >= failed["seconds"]


def test_job_of_another_command_is_not_taken_for_its_own(tmp_path):
    (tmp_path / "from.json").write_text("[1]")
    Log(tmp_path / "jobs.json").run([copy(tmp_path)])
    with pytest.raises(SystemExit, match="'copy' was made by python -m json.tool .*to.json; give another directory"):
        Log(tmp_path / "jobs.json").run([copy(tmp_path, to="other.json")])


def test_all_commands_are_compared_before_the_first_job_runs(tmp_path):
    (tmp_path / "from.json").write_text("[1]")
    Log(tmp_path / "jobs.json").run([copy(tmp_path)])
    with pytest.raises(SystemExit, match="'copy' was made by"):
        Log(tmp_path / "jobs.json").run([copy(tmp_path, "new", "new.json"), copy(tmp_path, to="other.json")])
    assert not (tmp_path / "new.json").exists()


def test_interrupted_job_says_that_it_goes_on(tmp_path, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("subprocess.run", interrupt)
    with pytest.raises(SystemExit, match="interrupted; the same command goes on"):
        Log(tmp_path / "jobs.json").run([Job("a", "json.tool", ())])
    assert not json.loads((tmp_path / "jobs.json").read_text())["a"]["done"]


def test_all_rows_of_a_seed_are_shown_in_one_sheet():
    config = Table1Config(out="o", num_pairs=50)
    (sheet,) = (job for job in jobs(config) if job.name == "sheet, seed 1")
    assert {"--model=o/seed1/rb6_sa2d_dv/model", "--num_pairs=8", "--output=o/seed1/sheet"} < set(sheet.arguments)
    (compared,) = (argument for argument in sheet.arguments if argument.startswith("--compare="))
    shown = parse_others(compared.removeprefix("--compare=").split(","))
    assert [name for name, _, _ in shown] == [row.name for row in ROWS.values()]
    assert [directory for _, directory, _ in shown] == [f"o/seed1/{row}/model" for row in ROWS]
    assert [single for _, _, single in shown] == [True, True] + 7 * [False]


def test_the_picture_shows_the_gain_of_the_paper_and_of_each_seed():
    found = list(measured(with_seed(mse=11.25)))
    of_vfid, of_psnr = figure(found).axes
    first, *_ = (label.get_text() for label in of_vfid.get_yticklabels())
    assert first == "a perceptual loss helps\nmse_vgg for mse"

    def drawn(marker):
        lines = [line.get_xydata() for line in of_vfid.get_lines() if line.get_marker() == marker]
        return {(round(x, 6), y) for line in lines for x, y in line.tolist()}

    ours, paper = drawn("o"), drawn("D")
    assert len(paper) == sum(each.figure == "VFID" for each in found) and len(ours) == len(paper) + 1
    assert {(0.75, 0.0), (1.75, 0.0)} < ours and (0.75, 0.0) in paper
    assert len(of_psnr.get_yticklabels()) == sum(each.figure == "PSNR" for each in found)
    height, width, channels = plot(found).shape
    assert width > height > 400 and channels == 3
