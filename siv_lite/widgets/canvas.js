// An image that hears the pointer; see canvas.py. It loads nothing from elsewhere.

const SOURCE = "siv-lite-source";  // the event by which a sample lights up its photograph

function add(parent, tag, name) {
  const element = document.createElement(tag);
  element.className = name;
  parent.append(element);
  return element;
}

// Puts a box where it belongs; no sides, no box.
function place(box, sides) {
  box.hidden = sides.length === 0;
  const [top, left, bottom, right] = sides.map((side) => 100 * side);
  Object.assign(box.style, {
    top: `${top}%`, left: `${left}%`, height: `${bottom - top}%`, width: `${right - left}%`,
  });
}

function boxAround(y, x, height, width) {
  return [y - height / 2, x - width / 2, y + height / 2, x + width / 2];
}

// The two by two cells nearest to a place.
function cellsAround(y, x, [rows, columns]) {
  const first = (share, count) => Math.max(0, Math.min(count - 2, Math.round(share * count) - 1));
  const top = first(y, rows);
  const left = first(x, columns);
  return [
    top / rows, left / columns, Math.min(1, (top + 2) / rows), Math.min(1, (left + 2) / columns),
  ];
}

// Where a place of a sample comes from: [y, x] in fractions of the photograph's sides.
function findSource(model, y, x) {
  const [rows, columns] = model.get("source_grid");
  const row = Math.min(rows - 1, Math.floor(y * rows));
  const column = Math.min(columns - 1, Math.floor(x * columns));
  const bytes = model.get("sources");
  const offset = 8 * (row * columns + column);
  return [bytes.getFloat32(offset, true), bytes.getFloat32(offset + 4, true)];
}

// A file from Python becomes a download.
function initialize({ model }) {
  model.on("msg:custom", (message, buffers) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([buffers[0]]));
    link.download = message.download;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  });
}

function render({ model, el }) {
  const frame = add(el, "div", "siv-lite-frame");
  const image = add(frame, "img", "siv-lite-image");
  const region = add(frame, "div", "siv-lite-region");
  const preview = add(frame, "div", "siv-lite-preview");
  const lit = add(frame, "div", "siv-lite-lit");
  let pointer = [0.5, 0.5];  // [y, x] in fractions of the sides
  let addresses = [];  // of images, the newest last

  image.onload = () => {
    const aspect = model.get("aspect") || image.naturalWidth / image.naturalHeight;
    frame.style.setProperty("--aspect", aspect);
    forget(addresses.splice(0, addresses.indexOf(image.src)));
  };

  function forget(old) {
    old.forEach((address) => URL.revokeObjectURL(address));
  }

  function showImage() {
    if (model.get("image").byteLength === 0) return;
    image.src = URL.createObjectURL(new Blob([model.get("image")]));
    addresses.push(image.src);
  }

  function showRest() {
    image.alt = model.get("text");
    frame.classList.toggle("siv-lite-pixels", !model.get("is_smooth"));
    const canClick = model.get("grid").length > 0;
    frame.classList.toggle("siv-lite-can-click", canClick);
    frame.title = canClick ? "Click to draw this part anew" : "";
    // By keyboard: arrows move the region, Enter draws it anew; JupyterLab keeps its hands off.
    frame.tabIndex = canClick ? 0 : -1;
    frame.toggleAttribute("data-lm-suppress-shortcuts", canClick);
    place(region, model.get("region"));
  }

  function light(sides) {
    const detail = { name: model.get("name"), sides };
    document.dispatchEvent(new CustomEvent(SOURCE, { detail }));
  }

  function point() {
    const [y, x] = pointer;
    const grid = model.get("grid");
    place(preview, grid.length ? cellsAround(y, x, grid) : []);
    if (model.get("sources").byteLength === 0) {
      leave(false);
      return;
    }
    const [height, width, sourceHeight, sourceWidth] = model.get("patch");
    place(lit, boxAround(y, x, height, width));
    light(boxAround(...findSource(model, y, x), sourceHeight, sourceWidth));
  }

  function leave(everything = true) {
    if (everything) place(preview, []);
    place(lit, []);
    light([]);
  }

  function choose() {
    const grid = model.get("grid");
    if (grid.length) model.send({ region: cellsAround(...pointer, grid) });
  }

  function follow(event) {
    const { left, top, width, height } = frame.getBoundingClientRect();
    const y = (event.clientY - top) / height;
    const x = (event.clientX - left) / width;
    pointer = [Math.max(0, Math.min(1, y)), Math.max(0, Math.min(1, x))];
    point();
  }

  function press(event) {
    const grid = model.get("grid");
    const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    const step = steps[event.key];
    if (!grid.length || (!step && event.key !== "Enter")) return;
    event.preventDefault();
    if (step) {
      pointer = pointer.map((share, i) => Math.max(0, Math.min(1, share + step[i] / grid[i])));
      point();
    } else {
      choose();
    }
  }

  // A photograph is lit up by the samples of its name.
  function hear({ detail }) {
    const isSample = model.get("source_grid").length > 0;
    if (detail.name === model.get("name") && !isSample) place(lit, detail.sides);
  }

  // Another image under a pointer that rests.
  function pointAgain() {
    if (frame.matches(":hover, :focus")) point();
  }

  frame.addEventListener("pointermove", follow);
  frame.addEventListener("pointerleave", () => leave());
  frame.addEventListener("click", (event) => { follow(event); choose(); });
  frame.addEventListener("keydown", press);
  frame.addEventListener("blur", () => leave());
  document.addEventListener(SOURCE, hear);
  model.on("change:image", showImage);
  model.on("change:sources", pointAgain);
  model.on("change:text change:is_smooth change:grid change:region", showRest);
  place(preview, []);
  place(lit, []);
  showImage();
  showRest();
  return () => {
    document.removeEventListener(SOURCE, hear);
    model.off("change:image", showImage);
    model.off("change:sources", pointAgain);
    model.off("change:text change:is_smooth change:grid change:region", showRest);
    forget(addresses);
  };
}

export default { initialize, render };
