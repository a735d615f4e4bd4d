// The script of the report: a cursor and a zoom for all charts, tied to drawing and video.
// Without it the page is complete but not interactive.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const plots = all(".plot.time");
  const outputs = all("output").map((element) => [element, data.series[element.dataset.series]]);
  const drawing = document.querySelector(".path svg");
  const ghosts = drawing ? all(".ghost", drawing) : [];
  const video = document.querySelector("video");

  const whole = [data.begin, data.end];
  let view = [...whole]; // time span of the charts [s]
  let now = null; // position of the cursor [s]

  const clamp = (value, low, high) => Math.max(low, Math.min(high, value));
  const percent = (time) => ((time - view[0]) / (view[1] - view[0])) * 100;
  const withMinus = (text) => text.replace("-", "\u2212");

  function shownNumber(value) {
    return value === null || value === undefined
      ? "\u2013"
      : withMinus(String(Number(value.toPrecision(3))));
  }

  /** Put the cursor at a time; `seek` also moves the resting video there. */
  function setCursor(time, seek = false) {
    now = time;
    const position = percent(time);
    for (const plot of plots) {
      const cursor = plot.querySelector(".cursor");
      cursor.style.display = position < 0 || position > 100 ? "none" : "block";
      cursor.style.left = `${position}%`;
      cursor.firstChild.textContent = `${withMinus(time.toFixed(2))} s`;
    }
    const share = (time - whole[0]) / (whole[1] - whole[0]);
    const index = clamp(Math.round(share * (data.count - 1)), 0, data.count - 1);
    for (const [element, series] of outputs) element.textContent = shownNumber(series[index]);
    for (const ghost of ghosts) placeGhost(ghost, index);
    if (seek && video && video.paused && isFinite(video.duration)) {
      video.currentTime = clamp(time - data.video, 0, video.duration - 0.01);
    }
  }

  /** Show in the drawing where a body was. */
  function placeGhost(ghost, index) {
    const [x, y, yaw] = data.bodies[ghost.dataset.body].map((number) => data.series[number][index]);
    ghost.setAttribute("opacity", x === null ? 0 : 1);
    if (x === null) return;
    const { left, top, scale } = drawing.dataset;
    const place = `translate(${(x - left) * scale} ${(top - y) * scale})`;
    ghost.setAttribute("transform", `${place} rotate(${(-yaw * 180) / Math.PI}) scale(${scale})`);
  }

  /** Return round numbers inside a range, each with its text. */
  function ticks(low, high, count) {
    const raw = (high - low) / count;
    const magnitude = 10 ** Math.floor(Math.log10(raw));
    const factor = [1, 2, 2.5, 5, 10].find((f) => f * magnitude >= raw * 0.999);
    const step = factor * magnitude;
    const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9) + (factor === 2.5 ? 1 : 0));
    const found = [];
    for (let i = Math.ceil(low / step); i * step <= high + 1e-9; i++) {
      found.push([i * step, withMinus((i * step).toFixed(digits))]);
    }
    return found;
  }

  /** Show only a part of the time span in every chart. */
  function zoom(from, to) {
    view = [Math.max(whole[0], from), Math.min(whole[1], to)];
    const unit = data.width / (whole[1] - whole[0]);
    const box = `${(view[0] - whole[0]) * unit} 0 ${(view[1] - view[0]) * unit} ${data.height}`;
    const labels = ticks(view[0], view[1], 8)
      .filter(([time]) => percent(time) < 98.5)
      .map(([time, text]) => `<span style="left:${percent(time)}%">${text}</span>`);
    for (const plot of plots) {
      plot.querySelector("svg")?.setAttribute("viewBox", box);
      for (const state of all(".state", plot)) {
        const left = clamp(percent(Number(state.dataset.from)), 0, 100);
        const right = clamp(percent(Number(state.dataset.to)), 0, 100);
        state.style.left = `${left}%`;
        state.style.width = `${right - left}%`;
        state.hidden = right <= left;
      }
      plot.nextElementSibling.innerHTML = `${labels.join("")}<em>s</em>`;
    }
    if (now !== null) setCursor(now);
  }

  /** Let a chart set the cursor, and zoom where it is dragged over. */
  function listen(plot) {
    let from = null;
    let pick = null;
    const timeAt = (event) => {
      const area = plot.getBoundingClientRect();
      const share = clamp((event.clientX - area.left) / area.width, 0, 1);
      return view[0] + share * (view[1] - view[0]);
    };
    const release = () => {
      pick?.remove();
      pick = from = null;
    };
    plot.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || event.pointerType === "touch") return;
      from = timeAt(event);
      plot.setPointerCapture(event.pointerId);
    });
    plot.addEventListener("pointermove", (event) => {
      const time = timeAt(event);
      setCursor(time, true);
      if (from === null) return;
      if (!pick) {
        pick = document.createElement("div");
        pick.className = "pick";
        plot.append(pick);
      }
      pick.style.left = `${percent(Math.min(from, time))}%`;
      pick.style.width = `${Math.abs(percent(time) - percent(from))}%`;
    });
    plot.addEventListener("pointerup", (event) => {
      const time = timeAt(event);
      const start = from;
      release();
      if (start !== null && Math.abs(percent(time) - percent(start)) > 2) {
        zoom(Math.min(start, time), Math.max(start, time));
      }
    });
    plot.addEventListener("pointercancel", release);
    plot.addEventListener("dblclick", () => zoom(...whole));
  }

  for (const plot of plots) {
    const cursor = document.createElement("div");
    cursor.className = "cursor";
    cursor.append(document.createElement("u"));
    plot.append(cursor);
    listen(plot);
  }

  for (const row of all("[data-time]")) {
    row.addEventListener("click", () => {
      const time = Number(row.dataset.time);
      if (time < view[0] || time > view[1]) zoom(...whole);
      setCursor(time, true);
    });
  }

  if (video) {
    const follow = () => {
      setCursor(video.currentTime + data.video);
      if (!video.paused) requestAnimationFrame(follow);
    };
    video.addEventListener("play", follow);
  }

  addEventListener("keydown", (event) => {
    if (event.key === "Escape") zoom(...whole);
    const step = { ArrowLeft: -0.05, ArrowRight: 0.05 }[event.key];
    if (step && now !== null && event.target === document.body) {
      setCursor(clamp(now + step, ...whole), true);
    }
  });
})();
