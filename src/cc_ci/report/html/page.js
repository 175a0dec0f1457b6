"use strict";
(function () {
  const tip = document.getElementById("tip");
  const place = (x, y) => {
    const box = tip.getBoundingClientRect();
    tip.style.left = Math.max(8, Math.min(x + 14, innerWidth - box.width - 8)) + "px";
    tip.style.top = (y + 18 + box.height > innerHeight ? y - box.height - 12 : y + 18) + "px";
  };
  const show = (mark, x, y) => {
    tip.textContent = mark.dataset.tip;
    tip.hidden = false;
    place(x, y);
  };
  const marked = (target) => target.closest && target.closest("[data-tip]");
  document.addEventListener("pointermove", (event) => {
    const mark = marked(event.target);
    if (mark) show(mark, event.clientX, event.clientY);
    else if (!marked(document.activeElement)) tip.hidden = true;
  });
  document.addEventListener("focusin", (event) => {
    const mark = marked(event.target);
    if (!mark) { tip.hidden = true; return; }
    mark.scrollIntoView({ block: "nearest", inline: "nearest" });
    const box = (mark.querySelector("rect") || mark).getBoundingClientRect();
    show(mark, box.left, box.bottom);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") tip.hidden = true;
  });

  // one mark of each drawing is in the order of the Tab key; arrows go on from there
  for (const drawing of document.querySelectorAll("svg")) {
    const all = () => [...drawing.querySelectorAll("[data-tip]:not(.dim)")];
    const first = drawing.querySelector("[data-tip]");
    if (!first || drawing.parentElement.closest("svg")) continue;
    first.setAttribute("tabindex", "0");
    drawing.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (!step) return;
      const marks = all();
      const at = marks.indexOf(document.activeElement);
      const next = marks[Math.max(0, Math.min(marks.length - 1, at + step))];
      if (next) { next.focus(); event.preventDefault(); event.stopPropagation(); }
    });
  }

  const frame = document.querySelector(".zoomed");
  if (frame) {
    const drawing = frame.querySelector(".timeline");
    let zoom = 1;
    const scale = (wanted, at) => {
      const before = frame.scrollLeft + at;
      const next = Math.max(1, Math.min(60, wanted));
      drawing.style.width = 100 * next + "%";
      frame.scrollLeft = before * next / zoom - at;
      zoom = next;
    };
    const middle = () => frame.clientWidth / 2;
    const act = {
      in: () => scale(zoom * 1.6, middle()), out: () => scale(zoom / 1.6, middle()), all: () => scale(1, 0),
    };
    for (const button of document.querySelectorAll("[data-zoom]")) {
      button.addEventListener("click", () => act[button.dataset.zoom]());
    }
    frame.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      scale(zoom * (event.deltaY < 0 ? 1.25 : 0.8), event.clientX - frame.getBoundingClientRect().left);
    }, { passive: false });
    frame.addEventListener("keydown", (event) => {
      const key = { "+": "in", "=": "in", "-": "out", "0": "all" }[event.key];
      if (key) { act[key](); event.preventDefault(); }
    });
    // a range that is drawn with the pointer becomes the whole width
    let from = null;
    frame.addEventListener("pointerdown", (event) => {
      if (event.pointerType === "mouse" && event.button === 0) from = event.clientX;
    });
    addEventListener("pointerup", (event) => {
      if (from === null) return;
      const left = Math.min(from, event.clientX) - frame.getBoundingClientRect().left;
      const width = Math.abs(event.clientX - from);
      from = null;
      if (width < 24) return;
      const start = (frame.scrollLeft + left) / (frame.clientWidth * zoom);
      scale(zoom * frame.clientWidth / width, 0);
      frame.scrollLeft = start * frame.clientWidth * zoom;
    });
  }

  const find = document.getElementById("find");
  if (find) {
    find.addEventListener("input", () => {
      const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
      const fits = (said) => words.every((word) => said.includes(word));
      for (const bar of document.querySelectorAll("[data-find]")) bar.classList.toggle("dim", !fits(bar.dataset.find));
      for (const row of document.querySelectorAll(".filtered tr.row")) {
        row.classList.toggle("gone", !fits(row.textContent.toLowerCase()));
      }
    });
  }

  const theme = document.getElementById("theme");
  theme.addEventListener("click", () => {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });
})();
