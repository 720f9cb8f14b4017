// Two workers, one for each core of a small laptop.

// Starts a worker. runWorker, the whole of worker.js, is a function only so that its text can be
// had: a page from a file system may not load the script of a worker.
export function startWorker(hear) {
  const script = new Blob([`(${runWorker})()`], { type: "text/javascript" });
  const worker = new Worker(URL.createObjectURL(script));
  worker.onmessage = ({ data }) => hear(data);
  return worker;
}
