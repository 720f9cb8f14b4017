// What the scripts of the widgets talk to in place of Python: values that are set and heard of.

export class Model {
  // values: name -> value. hear: called with what a widget sends.
  constructor(values, hear = () => {}) {
    this.values = values;
    this.hear = hear;
    this.handlers = [];  // [name of an event, function]
  }

  get(name) {
    return this.values[name];
  }

  // Sets several values before anybody hears of them.
  update(values) {
    Object.assign(this.values, values);
    for (const name of Object.keys(values)) {
      for (const [event, handler] of this.handlers) {
        if (event === `change:${name}`) handler();
      }
    }
  }

  send(content) {
    this.hear(content);
  }

  on(events, handler) {
    for (const event of events.split(" ")) this.handlers.push([event, handler]);
  }
}
