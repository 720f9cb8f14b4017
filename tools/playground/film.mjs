// The way from noise to a scene, step by step: a slider goes through it, a button plays it.

const MILLISECONDS_PER_FRAME = 160;

export class Film {
  // slider, button, caption: elements of the page. show: called with the frame to be shown.
  constructor({ slider, button, caption }, show) {
    Object.assign(this, { slider, button, caption, show, frames: [], timer: null });
    slider.oninput = () => {
      this.stop();
      this.showFrame(Number(slider.value));
    };
    button.onclick = () => (this.timer === null ? this.play() : this.stop());
  }

  get isAtEnd() {
    return Number(this.slider.value) >= this.frames.length - 1;
  }

  clear() {
    this.stop();
    this.frames = [];
    this.isRendering = false;  // the scene is there, and is only drawn anew
    this.slider.disabled = true;
    this.button.disabled = true;
  }

  // A frame is {pixels, text, isSmooth, sources, patch}. It is shown unless somebody looks at an
  // earlier one; a hidden frame is only seen by going through the film.
  add(frame, isHidden = false) {
    const isFollowed = this.isAtEnd && this.timer === null || this.frames.length === 0;
    this.frames.push(frame);
    this.slider.max = this.frames.length - 1;
    if (isFollowed && !isHidden) this.showFrame(this.frames.length - 1);
  }

  // Nothing follows: the film may be watched.
  end() {
    this.slider.disabled = false;
    this.button.disabled = false;
    if (this.timer === null) this.showFrame(this.frames.length - 1);
  }

  showFrame(index) {
    this.slider.value = index;
    const frame = this.frames[index];
    this.caption.textContent = frame.text;
    this.show(frame);
  }

  play() {
    let index = this.isAtEnd ? 0 : Number(this.slider.value);
    this.button.textContent = "Pause";
    this.timer = setInterval(() => {
      this.showFrame(index++);
      if (index === this.frames.length) this.stop();
    }, MILLISECONDS_PER_FRAME);
  }

  stop() {
    clearInterval(this.timer);
    this.timer = null;
    this.button.textContent = "Watch it again";
  }
}
