// An image, a part of which is outlined and dragged; see region.py. It loads nothing from elsewhere.

const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

function add(parent, tag, name) {
  const element = document.createElement(tag);
  element.className = name;
  parent.append(element);
  return element;
}

function clamp(value, low, high) {
  return Math.max(low, Math.min(high, value));
}

function render({ model, el }) {
  const frame = add(el, "div", "siv-lite-dragged");
  const image = add(frame, "img", "");
  const origin = add(frame, "div", "siv-lite-origin");
  const outline = add(frame, "div", "siv-lite-outline");
  frame.tabIndex = 0;
  frame.toggleAttribute("data-lm-suppress-shortcuts", true);  // JupyterLab leaves the keys to it
  let drag = null;  // what the pointer does: {move, row, column, shift}
  let address = null;  // of the image
  let isWaiting = false;  // until the last change is shown
  let hasNews = false;  // that wait to be sent

  function send() {
    hasNews = isWaiting;
    if (isWaiting) return;
    isWaiting = true;
    model.save_changes();
  }

  function showImage() {
    const old = address;
    address = URL.createObjectURL(new Blob([model.get("image")]));
    image.onload = () => old && URL.revokeObjectURL(old);
    image.src = address;
  }

  // What has been sent is shown.
  function goOn() {
    isWaiting = false;
    if (hasNews) send();
  }

  function place(box, down, right) {
    const [height, width] = model.get("size");
    const [top, left, bottom, end] = model.get("region");
    Object.assign(box.style, {
      top: `${100 * (top + down) / height}%`,
      left: `${100 * (left + right) / width}%`,
      height: `${100 * (bottom - top) / height}%`,
      width: `${100 * (end - left) / width}%`,
    });
  }

  function showRegion() {
    const [height, width] = model.get("size");
    frame.style.setProperty("--aspect", width / height);
    image.alt = model.get("text");
    frame.title = model.get("text");
    place(origin, 0, 0);
    place(outline, ...model.get("shift"));
  }

  // The part stays within the image.
  function shiftTo(down, right) {
    const [height, width] = model.get("size");
    const [top, left, bottom, end] = model.get("region");
    const shift = [clamp(down, -top, height - bottom), clamp(right, -left, width - end)];
    if (`${shift}` === `${model.get("shift")}`) return;
    model.set("shift", shift);
    send();
  }

  function outlineFrom(row, column) {
    const [height, width] = model.get("size");
    const top = clamp(Math.min(row, drag.row), 0, height - 2);
    const left = clamp(Math.min(column, drag.column), 0, width - 2);
    const bottom = clamp(Math.max(row, drag.row), top + 2, height);
    const end = clamp(Math.max(column, drag.column), left + 2, width);
    model.set("region", [top, left, bottom, end]);
    model.set("shift", [0, 0]);
    send();
  }

  // Row and column under the pointer, in pixels of the image.
  function locate(event) {
    const sides = frame.getBoundingClientRect();
    const [height, width] = model.get("size");
    const row = Math.round((event.clientY - sides.top) / sides.height * height);
    const column = Math.round((event.clientX - sides.left) / sides.width * width);
    return [row, column];
  }

  function begin(event) {
    const [row, column] = locate(event);
    const [top, left, bottom, end] = model.get("region");
    const [down, right] = model.get("shift");
    const isInside = row >= top + down && row <= bottom + down
      && column >= left + right && column <= end + right;
    drag = { move: isInside, row, column, shift: [down, right] };
    frame.setPointerCapture(event.pointerId);
  }

  function follow(event) {
    if (!drag) return;
    const [row, column] = locate(event);
    if (drag.move) {
      shiftTo(drag.shift[0] + row - drag.row, drag.shift[1] + column - drag.column);
    } else if (Math.abs(row - drag.row) > 1 && Math.abs(column - drag.column) > 1) {
      outlineFrom(row, column);
    }
  }

  function press(event) {
    const step = STEPS[event.key];
    if (!step) return;
    event.preventDefault();
    const [down, right] = model.get("shift");
    shiftTo(down + step[0], right + step[1]);
  }

  frame.addEventListener("pointerdown", begin);
  frame.addEventListener("pointermove", follow);
  frame.addEventListener("pointerup", () => { drag = null; });
  frame.addEventListener("pointercancel", () => { drag = null; });
  frame.addEventListener("keydown", press);
  image.draggable = false;
  model.on("change:image", showImage);
  model.on("msg:custom", goOn);
  model.on("change:region change:shift change:size change:text", showRegion);
  showImage();
  showRegion();
  return () => {
    model.off("change:image", showImage);
    model.off("msg:custom", goOn);
    model.off("change:region change:shift change:size change:text", showRegion);
    URL.revokeObjectURL(address);
  };
}

export default { render };
