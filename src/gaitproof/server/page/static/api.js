// The REST interface, as the page uses it: nothing is decided here.

let csrf = "";

/** What went wrong, in the service's own words (RFC 9457). */
export class Refusal extends Error {
  constructor(problem) {
    super(problem.detail || problem.title);
    this.problem = problem;
  }
}

/** The service cannot be reached. */
export class Unreachable extends Error {}

/** Whether a video that was sent is not kept any more. */
export function isGone(error) {
  return error instanceof Refusal && error.problem.type === "urn:gaitproof:problem:unknown-video";
}

export function setToken(token) {
  csrf = token;
}

async function refusalOf(response) {
  try {
    return new Refusal(await response.json());
  } catch {
    return new Refusal({ title: response.statusText, detail: response.statusText, status: response.status });
  }
}

/** Ask for something; the answer as JSON, or null. */
export async function call(method, path, body, headers = {}) {
  const sent = { method, headers: { ...headers }, credentials: "same-origin" };
  if (csrf) sent.headers["X-CSRF-Token"] = csrf;
  if (body !== undefined) {
    sent.body = JSON.stringify(body);
    sent.headers["Content-Type"] = "application/json";
  }
  let response;
  try {
    response = await fetch(`/v1${path}`, sent);
  } catch {
    throw new Unreachable();
  }
  if (!response.ok) throw await refusalOf(response);
  return response.status === 204 ? null : response.json();
}

/** Send a file; `told` hears the share that is sent. */
export function upload(file, told = () => {}, signal = null) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", `/v1/videos?name=${encodeURIComponent(file.name.slice(0, 200) || "video")}`);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    if (csrf) request.setRequestHeader("X-CSRF-Token", csrf);
    request.responseType = "json";
    request.upload.onprogress = (event) => told(event.total ? event.loaded / event.total : 0);
    request.onerror = () => reject(new Unreachable());
    request.onload = () => {
      if (request.status === 201) resolve(request.response);
      else reject(new Refusal(request.response || { title: request.statusText, status: request.status }));
    };
    signal?.addEventListener("abort", () => request.abort());
    request.onabort = () => reject(new DOMException("", "AbortError"));
    request.send(file);
  });
}

/** Ask about a video that was sent before; if it is gone, `send` it again, where it can, and ask once more. */
export async function askAbout(video, ask, send = null) {
  try {
    return await ask(video);
  } catch (error) {
    if (!isGone(error) || !send) throw error;
    return ask((await send()).id);
  }
}

const OVER = ["done", "failed", "cancelled"];

export function isOver(job) {
  return OVER.includes(job.state);
}

/** Follow a job until it is over; `told` hears every change. */
export function follow(id, told = () => {}, signal = null) {
  return new Promise((resolve, reject) => {
    const source = new EventSource(`/v1/jobs/${id}/events`);
    const end = (settle, value) => {
      source.close();
      settle(value);
    };
    source.addEventListener("job", (event) => {
      const job = JSON.parse(event.data);
      told(job);
      if (isOver(job)) end(resolve, job);
    });
    source.onerror = () => {
      source.close();
      poll(id, told, signal).then(resolve, reject);
    };
    signal?.addEventListener("abort", () => end(reject, new DOMException("", "AbortError")));
  });
}

async function poll(id, told, signal) {
  for (;;) {
    const job = await call("GET", `/jobs/${id}`);
    if (signal?.aborted) throw new DOMException("", "AbortError");
    told(job);
    if (isOver(job)) return job;
    await new Promise((done) => setTimeout(done, 1000));
  }
}
