"use strict";
(() => {
  const study = JSON.parse(document.getElementById("study").textContent);
  const key = `stmt_tf.study.${study.study}`;
  const total = study.pairs.length * study.questions.length;
  const at = (id) => document.getElementById(id);
  const videos = [at("left"), at("right")];
  const answerButtons = [...document.querySelectorAll("[data-answer]")];

  let state = null; // what is kept in the browser: the plan of this participant and the answers so far
  let loaded = null; // the trial whose videos are in the page
  let urls = [];
  let ready = false; // whether both videos can be seen, and so be judged
  let shownAt = 0;
  let paused = false;
  let restart = 0;

  // State ---------------------------------------------------------------------------------------------------------

  function shuffled(items) {
    const result = [...items];
    for (let i = result.length - 1; i > 0; i--) {
      const j = Math.floor(Math.random() * (i + 1));
      [result[i], result[j]] = [result[j], result[i]];
    }
    return result;
  }

  function newState(participant) {
    const bytes = crypto.getRandomValues(new Uint8Array(12));
    const pairs = shuffled(study.pairs.keys());
    // Each method is on the left half of the time, so that a liking for one side favours neither.
    const odd = Math.random() < 0.5 ? 1 : 0;
    const swapped = shuffled(pairs.map((_, i) => i % 2 === odd));
    return {
      session: Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(""),
      participant,
      started: new Date().toISOString(),
      finished: null,
      plan: pairs.map((pair, i) => ({ pair, swapped: swapped[i] })),
      answers: [],
    };
  }

  function save() {
    try {
      localStorage.setItem(key, JSON.stringify(state));
    } catch {
      alertOnce("This browser does not keep your progress: please finish before you close the page.");
    }
  }

  function restored() {
    try {
      const found = JSON.parse(localStorage.getItem(key));
      return found && found.plan.length === study.pairs.length && found.answers.length <= total ? found : null;
    } catch {
      return null;
    }
  }

  // Screens -------------------------------------------------------------------------------------------------------

  function show(id) {
    for (const section of document.querySelectorAll("section")) section.hidden = section.id !== id;
    if (id !== "question") unload();
    // Screen readers begin at the heading; and no button keeps the focus, where the space bar would press it.
    at(id).querySelector("h1").focus({ preventScroll: true });
    scrollTo(0, 0);
  }

  function alertOnce(text) {
    at("alert").textContent = text;
    at("alert").hidden = false;
  }

  const counted = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;

  function open() {
    state = restored();
    if (!state) return show("start");
    if (state.answers.length === total) return finish();
    at("answered").textContent = `${state.answers.length} of ${counted(total, "question")}`;
    show("resume");
  }

  function begin(participant) {
    state = newState(participant);
    save();
    ask();
  }

  function ask() {
    const done = state.answers.length;
    if (done === total) return finish();
    const { trial, question } = current();
    if (loaded !== trial) load(trial);
    at("progress").max = total;
    at("progress").value = done;
    const number = (done % study.questions.length) + 1;
    at("count").textContent = `Pair ${trial + 1} of ${study.pairs.length}, question ${number} of ${study.questions.length}`;
    at("asked").textContent = question.text;
    at("asked").classList.remove("new");
    void at("asked").offsetWidth; // starts the animation anew
    at("asked").classList.add("new");
    at("back").disabled = done === 0;
    shownAt = performance.now();
    show("question");
  }

  function current() {
    const done = state.answers.length;
    const trial = Math.floor(done / study.questions.length);
    return { trial, question: study.questions[done % study.questions.length], ...state.plan[trial] };
  }

  function answer(choice) {
    const milliseconds = Math.round(performance.now() - shownAt);
    // Nobody reads a question this fast: it is the second press of a double click.
    if (!ready || milliseconds < 250) return;
    const { question, pair, swapped } = current();
    const [left, right] = swapped ? [...study.methods].reverse() : study.methods;
    const { name, subset } = study.pairs[pair];
    state.answers.push({ pair: name, subset, question: question.key, left, right, answer: choice, milliseconds });
    save();
    ask();
  }

  function finish() {
    state.finished ??= new Date().toISOString();
    save();
    at("saved").textContent = "";
    show("end");
  }

  function saveAnswers() {
    const { plan, ...kept } = state; // the plan is in the order and the sides of the answers
    const { schema, study: id, methods } = study;
    const content = { schema, study: id, methods, pairs: study.pairs.length, ...kept };
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([JSON.stringify(content, null, 1)], { type: "application/json" }));
    link.download = `answers-${id.slice(0, 6)}-${state.session.slice(0, 8)}.json`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    const name = document.createElement("b");
    name.textContent = link.download;
    at("saved").replaceChildren("Saved among your downloads as ", name, ". You can close this page once you have sent it.");
  }

  // Videos --------------------------------------------------------------------------------------------------------

  function load(trial) {
    unload();
    loaded = trial;
    const { pair, swapped } = state.plan[trial];
    const sides = swapped ? [1, 0] : [0, 1];
    urls = sides.map((side) => blobUrl(at(`video-${pair}-${side}`).textContent));
    document.documentElement.style.setProperty("--shape", study.pairs[pair].shape);
    videos.forEach((video, i) => (video.src = urls[i]));
  }

  // Not the data URI itself: some browsers play no video from one, and none seeks in it as fast.
  function blobUrl(dataUri) {
    const [head, body] = dataUri.trim().split(",");
    const bytes = Uint8Array.from(atob(body), (character) => character.charCodeAt(0));
    return URL.createObjectURL(new Blob([bytes], { type: head.slice("data:".length).split(";")[0] }));
  }

  function unload() {
    clearTimeout(restart);
    ready = false;
    loaded = null;
    answerButtons.forEach((button) => (button.disabled = true));
    setPaused(false);
    videos.forEach((video) => video.removeAttribute("src"));
    urls.forEach((url) => URL.revokeObjectURL(url));
    urls = [];
  }

  function whenReady() {
    if (ready || loaded === null || !videos.every((video) => video.readyState >= video.HAVE_FUTURE_DATA)) return;
    ready = true;
    answerButtons.forEach((button) => (button.disabled = false));
    shownAt = performance.now();
    replay();
  }

  function setPaused(value) {
    paused = value;
    at("pause").textContent = paused ? "Play" : "Pause";
  }

  function play() {
    // A browser that refuses to play by itself shows the first frames; "Play" then does it.
    Promise.all(videos.map((video) => video.play())).catch(() => setPaused(videos.some((video) => video.paused)));
  }

  function replay() {
    if (!ready) return;
    clearTimeout(restart);
    setPaused(false);
    videos.forEach((video) => (video.currentTime = 0));
    play();
  }

  function togglePause() {
    if (!ready) return;
    clearTimeout(restart);
    setPaused(!paused);
    if (paused) videos.forEach((video) => video.pause());
    else if (videos.some((video) => video.ended)) replay();
    else play();
  }

  function whenEnded() {
    clearTimeout(restart);
    // The pause between two rounds lets one see where the videos begin.
    if (!paused && videos.every((video) => video.ended)) restart = setTimeout(replay, 500);
  }

  function keepTogether() {
    const [left, right] = videos;
    if (left.ended || right.ended || right.seeking) return;
    if (Math.abs(left.currentTime - right.currentTime) > 0.1) right.currentTime = left.currentTime;
  }

  for (const video of videos) {
    video.muted = true; // the attribute alone does not count in every browser
    video.addEventListener("canplay", whenReady);
    video.addEventListener("ended", whenEnded);
    video.addEventListener("error", () => {
      if (loaded !== null) alertOnce("This browser cannot play these videos (H.264). Please open the page in another one.");
    });
  }
  videos[0].addEventListener("timeupdate", keepTogether);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && ready && !paused) replay(); // some browsers stop videos that nobody sees
  });

  // Controls ------------------------------------------------------------------------------------------------------

  at("begin").addEventListener("submit", (event) => {
    event.preventDefault();
    begin(at("participant").value.trim());
  });
  at("continue").addEventListener("click", ask);
  at("over").addEventListener("click", () => {
    if (confirm("Forget your answers so far, and start over?")) restartStudy();
  });
  at("another").addEventListener("click", () => {
    if (at("saved").textContent || confirm("The answers are not saved yet. Forget them?")) restartStudy();
  });
  at("save").addEventListener("click", saveAnswers);
  at("back").addEventListener("click", () => {
    state.answers.pop();
    save();
    ask();
  });
  at("replay").addEventListener("click", replay);
  at("pause").addEventListener("click", togglePause);
  answerButtons.forEach((button) => button.addEventListener("click", () => answer(button.dataset.answer)));

  function restartStudy() {
    at("participant").value = "";
    try {
      localStorage.removeItem(key);
    } catch {
      // Then nothing was kept.
    }
    open();
  }

  const keys = {
    ArrowLeft: "left", 1: "left", " ": "not sure", 2: "not sure", ArrowRight: "right", 3: "right",
  };
  document.addEventListener("keydown", (event) => {
    if (at("question").hidden || event.ctrlKey || event.altKey || event.metaKey) return;
    // On a button that was reached with the tab key, the space bar presses that button.
    if (event.key === " " && event.target instanceof HTMLButtonElement) return;
    if (event.key in keys) {
      event.preventDefault();
      if (!event.repeat) answer(keys[event.key]);
    } else if (event.key.toLowerCase() === "r") {
      replay();
    }
  });

  // The same page in a second window would answer the same questions again.
  addEventListener("storage", (event) => {
    if (event.key === key) open();
  });

  const minutes = Math.max(1, Math.round((total * 15) / 60)); // a quarter of a minute for each answer
  at("pairs").textContent = counted(study.pairs.length, "pair") + " of videos";
  at("minutes").textContent = counted(minutes, "minute");
  if (!videos[0].canPlayType('video/mp4; codecs="avc1.640028"')) {
    alertOnce("This browser cannot play these videos (H.264). Please open the page in another one.");
  }
  open();
})();
