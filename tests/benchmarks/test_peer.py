import pytest

for module in ("torch", "onnx", "onnxruntime"):
    pytest.importorskip(module, reason="needs the peer's runtimes (pip install .[peer])")

from benchmarks import peer  # noqa: E402
from benchmarks.peer import Call  # noqa: E402
from benchmarks.speed_settings import PeerConfig  # noqa: E402
from benchmarks.timing import Timing  # noqa: E402


def test_main_sets_every_frame_against_the_first(monkeypatch, capsys):
    ours, theirs = (Call(name, 64, 10**9, lambda: None) for name in ("ours", "theirs"))
    timings = Timing(2.0, 1.0), Timing(3.0, 4.0)
    monkeypatch.setattr(peer, "calls_of_ours", lambda sizes: [ours])
    monkeypatch.setattr(peer, "calls_of_peer", lambda: [theirs])
    monkeypatch.setattr(peer, "interleaved", lambda runs, repeats: dict(zip(runs, timings)))
    peer.main(PeerConfig((64,)))
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in capsys.readouterr().out.splitlines()[4:]]
    assert rows == [["ours", "64", "1.0", "2000", "1000", "1.0"], ["theirs", "64", "1.0", "3000", "4000", "4.0"]]


def test_the_export_makes_the_same_as_pytorch():
    network = peer.peer.KeypointDetector().eval().requires_grad_(False)
    frame = (peer.torch.rand(1, 3, 128, 128),)
    points = peer.in_onnx_runtime(network, frame)()
    with peer.torch.inference_mode():
        expected, _ = network(*frame)
    assert points == pytest.approx(expected.numpy(), abs=1e-4)
