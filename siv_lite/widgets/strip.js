// Small images in a row, each of them a button; see canvas.py.

function add(parent, tag, name, text) {
  const element = document.createElement(tag);
  element.className = name;
  element.title = text;
  parent.append(element);
  return element;
}

function render({ model, el }) {
  function addButton(parent, name, text, action, index) {
    const button = add(parent, "button", name, text);
    button.ariaLabel = text;
    button.onclick = () => model.send({ action, index });
    return button;
  }

  let addresses = [];

  // Images that are still being loaded need their addresses.
  function forgetLater() {
    const old = addresses;
    addresses = [];
    setTimeout(() => old.forEach((address) => URL.revokeObjectURL(address)), 60000);
  }

  function show() {
    forgetLater();
    el.replaceChildren();
    el.classList.add("siv-lite-strip");
    model.get("images").forEach((bytes, index) => {
      const text = model.get("texts")[index] ?? "";
      const item = add(el, "span", "siv-lite-item", "");
      const button = addButton(item, "siv-lite-small", text, "choose", index);
      const image = add(button, "img", "", text);
      image.src = URL.createObjectURL(new Blob([bytes]));
      addresses.push(image.src);
      image.alt = text;
      if (model.get("can_drop")) {
        addButton(item, "siv-lite-drop", `Drop ${text}`, "drop", index).textContent = "×";
      }
    });
    mark();
  }

  function mark() {
    el.querySelectorAll(".siv-lite-small").forEach((button, index) => {
      button.ariaPressed = String(index === model.get("chosen"));
    });
  }

  model.on("change:images", show);
  model.on("change:chosen", mark);
  show();
  return () => {
    model.off("change:images", show);
    model.off("change:chosen", mark);
    forgetLater();
  };
}

export default { render };
