"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const tip = byId("tip");
  const frame = byId("timeline");
  const canvas = byId("canvas");
  const spans = all(".span");
  const MOST = 400;
  let zoom = 1;

  // details: the same for the pointer and for the keyboard
  const place = (x, y) => {
    const box = tip.getBoundingClientRect();
    const left = Math.min(x + 14, innerWidth - box.width - 8);
    const below = y + 18 + box.height < innerHeight;
    tip.style.left = `${Math.max(8, left)}px`;
    tip.style.top = `${Math.max(8, below ? y + 18 : y - box.height - 12)}px`;
  };
  const show = (element, x, y) => {
    tip.textContent = element.dataset.tip;
    tip.hidden = false;
    place(x, y);
  };
  const hide = () => { tip.hidden = true; };
  const told = (event) => event.target instanceof Element && event.target.closest("[data-tip]");
  addEventListener("pointermove", (event) => {
    const element = told(event);
    if (element) show(element, event.clientX, event.clientY);
    else hide();
  });
  addEventListener("focusin", (event) => {
    const element = told(event);
    if (!element) return hide();
    const box = (element.querySelector("rect") ?? element).getBoundingClientRect();
    show(element, Math.max(0, box.left), box.bottom - 12);
  });
  addEventListener("focusout", hide);
  addEventListener("scroll", hide, true);

  // theme
  byId("theme").addEventListener("click", () => {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });

  // what is closed is opened for a while: where the filter found something, and on paper
  const lid = () => {
    let opened = [];
    return {
      open: (wanted) => {
        const now = all("main details:not([open])").filter(wanted);
        now.forEach((one) => { one.open = true; });
        opened.push(...now);
      },
      close: () => {
        opened.forEach((one) => { one.open = false; });
        opened = [];
      },
    };
  };
  const onPaper = lid();
  addEventListener("beforeprint", () => onPaper.open(() => true));
  addEventListener("afterprint", onPaper.close);

  // filter: every word must be found; bars fade, rows go
  const found = lid();
  const rows = all("tr[data-filter]");
  const text = new Map([...spans, ...rows].map((one) => [one, `${one.dataset.tip ?? ""} ${one.textContent}`.toLowerCase()]));
  byId("filter").addEventListener("input", (event) => {
    const words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = (one) => words.every((word) => text.get(one).includes(word));
    spans.forEach((one) => one.classList.toggle("dim", !fits(one)));
    rows.forEach((one) => { one.hidden = !fits(one); });
    found.close();
    if (words.length) found.open((one) => all("tr[data-filter]:not([hidden])", one).length > 0);
    const counted = spans.length ? spans : rows;
    byId("found").textContent = words.length ? `${counted.filter(fits).length} of ${counted.length}` : "";
  });
  if (!canvas) return;

  // a label that would be no more than a letter or two is left out
  const labels = all("text", canvas).filter((one) => one.parentElement.tagName === "svg");
  const fit = () => {
    const width = canvas.getBoundingClientRect().width;
    labels.forEach((one) => {
      const share = one.parentElement.width.baseVal.valueInSpecifiedUnits / 100;
      one.style.display = share * width < Math.min(30, 12 + 6 * one.textContent.length) ? "none" : "";
    });
  };
  addEventListener("resize", fit);

  // zoom: the drawing is in per cent of its width, so it is made wider and scrolled
  const setZoom = (wanted, at, x) => {
    zoom = Math.min(MOST, Math.max(1, wanted));
    canvas.style.setProperty("--zoom", zoom);
    fit();
    frame.classList.toggle("zoom5", zoom >= 5);
    frame.classList.toggle("zoom30", zoom >= 30);
    frame.scrollLeft = at * canvas.getBoundingClientRect().width - x;
  };
  const where = (x) => (frame.scrollLeft + x) / canvas.getBoundingClientRect().width;
  const zoomBy = (factor, x = frame.clientWidth / 2) => setZoom(zoom * factor, where(x), x);
  const steps = { in: () => zoomBy(2), out: () => zoomBy(0.5), all: () => setZoom(1, 0, 0) };
  all("[data-zoom]").forEach((button) => button.addEventListener("click", steps[button.dataset.zoom]));
  const inside = (event) => event.clientX - frame.getBoundingClientRect().left;
  frame.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    zoomBy(Math.exp(-event.deltaY / 200), inside(event));
  }, { passive: false });

  // drag over a stretch; a finger scrolls instead
  let from = null;
  const brush = document.createElement("div");
  brush.id = "brush";
  brush.hidden = true;
  frame.append(brush);
  frame.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "mouse" && event.button === 0) from = inside(event);
  });
  addEventListener("pointermove", (event) => {
    if (from === null) return;
    const to = inside(event);
    brush.hidden = Math.abs(to - from) < 6;
    brush.style.left = `${frame.scrollLeft + Math.min(from, to)}px`;
    brush.style.width = `${Math.abs(to - from)}px`;
  });
  addEventListener("pointerup", (event) => {
    if (from === null) return;
    const [start, end] = [from, inside(event)].sort((a, b) => a - b);
    if (end - start >= 6) setZoom(zoom * frame.clientWidth / (end - start), where(start), 0);
    from = null;
    brush.hidden = true;
  });

  // paper can't be scrolled
  addEventListener("beforeprint", steps.all);

  // keys: the timeline is one stop for Tab, the arrows go from span to span
  const bySpan = new Map(spans.map((one) => [one.dataset.id, one]));
  const visible = () => spans.filter((one) => !one.classList.contains("dim"));
  const focus = (span) => {
    if (!span) return;
    spans.forEach((one) => one.setAttribute("tabindex", one === span ? 0 : -1));
    const width = canvas.getBoundingClientRect().width;
    const [left, right] = [span.dataset.start * width, span.dataset.end * width];
    const seen = left >= frame.scrollLeft && right <= frame.scrollLeft + frame.clientWidth;
    if (!seen) frame.scrollLeft = left - 24;
    // after the scrolling, which hides details
    requestAnimationFrame(() => requestAnimationFrame(() => span.focus({ preventScroll: true })));
  };
  const step = (span, by) => {
    const some = visible();
    const now = some.indexOf(span);
    return now < 0 ? some[0] : some[now + by];
  };
  const moves = {
    ArrowRight: (span) => step(span, 1),
    ArrowLeft: (span) => step(span, -1),
    ArrowUp: (span) => bySpan.get(span.dataset.parent),
    ArrowDown: (span) => spans.find((one) => one.dataset.parent === span.dataset.id),
    Home: () => visible()[0],
    End: () => visible().at(-1),
  };
  const zooms = { "+": steps.in, "=": steps.in, "-": steps.out, "0": steps.all };
  frame.addEventListener("keydown", (event) => {
    const span = event.target.closest(".span");
    if (event.ctrlKey || event.metaKey || event.altKey || !span) return;
    if (zooms[event.key]) zooms[event.key]();
    else if (!moves[event.key]) return;
    event.preventDefault();
    focus(moves[event.key] ? moves[event.key](span) : span);
  });
  addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
  spans[0]?.setAttribute("tabindex", 0);
  fit();
})();
