"use strict";
const states = ["completed", "failed", "timeout", "cancelled", "running", "assigned", "queued", "pending", "not_ended"];
const runsPage = 50, tasksPage = 200, logMost = 256 * 1024, shownMost = 128 * 1024;
const ended = (state) => states.slice(0, 4).includes(state), $ = (id) => document.getElementById(id);

// The page is described as a tree of parts, by which the real one is changed in place: what did not change is not
// touched, so focus, scrolling and selections stay. Text becomes text nodes only, never markup.
class Part { constructor(tag, props, kids) { Object.assign(this, { tag, props, kids }); } }
function h(what, props, ...kids) {
  const [tag, ...looks] = what.split(".");
  if (looks.length) props = { ...props, class: [...looks, props.class || ""].join(" ") };
  return new Part(tag, props, kids);
}
function patch(parent, kids) {
  const old = new Map([...parent.childNodes].map((node) => [node.mazeKey, node])), seen = {};
  const wanted = kids.flat(9).filter((kid) => kid != null && kid !== false && kid !== "").map((kid) => {
    const { tag = "#text", props } = kid instanceof Part ? kid : {}, key = `${tag} ${props?.key ?? (seen[tag] ??= 0)}`;
    const node = props?.node ?? old.get(key) ?? (props ? document.createElement(tag) : new Text());
    ++seen[tag];
    if (old.get(key) === node) old.delete(key);
    node.mazeKey = key;
    if (!props && node.data !== String(kid)) node.data = String(kid);
    if (props && !props.node) { setProps(node, props); patch(node, kid.kids); }
    return node;
  });
  for (const node of old.values()) node.remove();
  let at = parent.firstChild;
  for (const node of wanted) if (node === at) at = at.nextSibling; else parent.insertBefore(node, at);
}
function setProps(node, props) {
  for (const name of Object.keys({ ...node.mazeProps, ...props })) {
    const value = props[name];
    if (name === "key" || value === node.mazeProps?.[name]) continue;
    if (name.startsWith("on")) node[name] = value ?? null;
    else if (value == null || value === false) node.removeAttribute(name);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.mazeProps = props;
}

const plural = (n, what) => `${n} ${what}${n === 1 ? "" : "s"}`;
function size(bytes, unit = 0) {
  for (; bytes >= 1024 && unit < 4; ++unit) bytes /= 1024;
  return `${unit && bytes % 1 ? bytes.toFixed(bytes < 10 ? 2 : 1) : bytes} ${["B", "KiB", "MiB", "GiB", "TiB"][unit]}`;
}
function time(s) {
  const whole = Math.round(s), minutes = Math.floor(whole / 60), two = (n) => String(n).padStart(2, "0");
  return s == null ? "" : s < 59.95 ? `${s.toFixed(s < 10 ? 2 : 1)} s`
    : minutes < 60 ? `${minutes} min ${two(whole % 60)} s` : `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
}
function segment(text) { // of a path, where dots would lead elsewhere
  if (/^\.\.?$/.test(text)) throw new Error(`'${text}' names nothing`);
  return encodeURIComponent(text);
}
// Integers beyond 2^53 keep their digits where the browser can do that.
const parse = (text) => JSON.parse(text || "{}", (key, value, at) => Number.isInteger(value)
  && !Number.isSafeInteger(value) && at?.source && JSON.rawJSON ? JSON.rawJSON(at.source) : value);

async function call(path, { method = "GET", body, type, accept = "application/json", as = "json", signal } = {}) {
  const token = sessionStorage.getItem("token") ?? "";
  const headers = { Authorization: `Bearer ${token}`, Accept: accept, ...(type && { "Content-Type": type }) };
  const answer = await fetch(`api/v1/${path}`, { method, headers, body, signal, cache: "no-store" });
  if (answer.ok) return as === "json" ? parse(await answer.text()) : answer[as]();
  const told = await answer.json().catch(() => ({})), { status } = answer;
  // Another token may have been given meanwhile.
  if (status === 401 && token === (sessionStorage.getItem("token") ?? "")) askToken("The token is not accepted.");
  throw Object.assign(new Error(told.error?.message ?? `answer ${status}`),
    { status, faults: told.faults ?? told.error?.faults ?? [] });
}
// What was said of the thing that was asked for, unlike a cluster or gateway that does not answer.
const isAnswer = (problem) => problem.status < 500 && problem.status !== 401;
const reason = (problem) => problem instanceof TypeError ? "maze-node serve does not answer" : problem.message;
function askToken(why) {
  sessionStorage.removeItem("token");
  $("why").textContent = why;
  showPage();
  $("token").focus();
}
function takeToken(text) {
  if (/^[\x21-\x7e]+$/.test(text)) sessionStorage.setItem("token", text);
  else askToken("That is no token: it has spaces or letters beyond ASCII.");
}
$("login").onsubmit = (event) => {
  event.preventDefault(); takeToken($("token").value.trim()); $("token").value = ""; goTo();
};

// Each run and task has a record of its own, so an answer that comes late never lands in another's.
let page = "cluster", run = null, task = null, current = null, timer = 0, lastAnswer = "", clicked = false;
const cluster = { first: 0 };
function goTo() {
  const [, token] = /^#token=([^&]*)/.exec(location.hash) ?? [], was = page;
  if (token != null) {
    history.replaceState(null, "", `${location.pathname}#/`);
    try { takeToken(decodeURIComponent(token)); } catch { askToken("The token in the address is damaged."); }
  }
  let parts = [];
  try { parts = location.hash.split("/").slice(1).map(decodeURIComponent); } catch { /* shows the cluster */ }
  page = ["submit", "terminal"].includes(parts[0]) ? parts[0] : parts[0] === "runs" && parts[1] ? "run" : "cluster";
  if (page === "run" && run?.id !== parts[1]) run = { id: parts[1], first: 0, state: "", name: "" };
  if (page !== "run" || !parts[3]) task = null;
  else if (task?.run !== run || task.id !== parts[3]) task = { run, id: parts[3], stream: "stdout", attempt: 0 };
  showPage();
  // After "back" the browser itself restores where one was.
  if (clicked && (was !== page || innerWidth < 1200)) scrollTo(0, 0);
  if (clicked && !document.activeElement?.offsetParent) document.querySelector("main:not([hidden])")?.focus();
  clicked = false;
  if (page === "terminal" && matchMedia("(hover: hover)").matches) $("typed").focus({ preventScroll: true });
  refresh();
}
function showPage() {
  const known = !!sessionStorage.getItem("token"), shown = page === "submit" || page === "terminal" ? page : "view";
  $("login").hidden = known;
  for (const main of document.querySelectorAll("main")) main.hidden = !known || main.id !== shown;
  for (const link of document.querySelectorAll("nav a"))
    link.ariaCurrent = link.hash === (shown === "view" ? "#/" : `#/${page}`) ? "page" : null;
  render();
}
// One round of questions at a time; the next begins two seconds after the end of the last.
async function refresh() {
  clearTimeout(timer); current?.abort();
  if (document.hidden || !sessionStorage.getItem("token")) return;
  const round = current = new AbortController();
  let news = "";
  try {
    await load((path) => {
      const slow = setTimeout(() => round.abort(new Error("no answer for 15 seconds")), 15000);
      return call(path, { signal: round.signal }).finally(() => clearTimeout(slow));
    });
    lastAnswer = new Date().toLocaleTimeString();
  } catch (problem) {
    if (problem.status === 401) return;
    news = `No news from the cluster: ${reason(problem)}. Asking again every 2 seconds.`
      + (lastAnswer && ` What you see is from ${lastAnswer}, by the clock of this browser.`);
  }
  if (round !== current) return;
  round.abort();
  if ($("banner").textContent !== news) $("banner").textContent = news;
  $("banner").hidden = !news; document.body.classList.toggle("stale", !!news); render(); timer = setTimeout(refresh, 2000);
}
async function load(ask) {
  cluster.status = await ask("status");
  if (page === "cluster") [cluster.nodes, cluster.runs] = await Promise.all([ask("nodes"),
    ask(`runs?first=${cluster.first}&count=${runsPage}`)]);
  for (const [record, loader] of page === "run" ? [[run, loadRun], [task, loadTask]] : []) {
    if (record) record.missing = await loader(ask, record).catch((problem) => {
      if (isAnswer(problem)) return problem.message;
      throw problem;
    });
  }
}
async function loadRun(ask, run) {
  const base = `runs/${segment(run.id)}`;
  const query = `first=${run.first}&count=${tasksPage}${run.state && `&state=${run.state}`}`
    + (run.name && `&name=${encodeURIComponent(run.name)}`);
  // What has ended stays as it is, but it may be forgotten, by somebody else or with its cluster.
  if (run.final && run.loaded === query) return void await ask(`${base}/tasks?count=0`);
  const told = run.final ? run.told : await ask(base), part = await ask(`${base}/tasks?${query}`);
  const files = await ask(`${base}/files`).catch((problem) => {
    if (isAnswer(problem)) return { files: [], error: problem.message };
    throw problem;
  });
  Object.assign(run, { told, rows: part.tasks, total: part.total, files, loaded: query, final: ended(told.state) });
}
async function loadTask(ask, task) {
  const base = `runs/${segment(task.run.id)}/tasks/${segment(task.id)}`;
  if (!task.final) task.told = await ask(base);
  task.final = ended(task.told.task.state);
  const latest = task.told.task.attempts, attempt = task.attempt || latest, key = `${task.stream} ${attempt}`;
  if (attempt === 0) return;
  if (task.log?.key !== key) task.log = { key, next: 0, held: 0,
    node: Object.assign(document.createElement("pre"), { className: "log", tabIndex: 0 }) };
  render();
  const log = task.log;
  try {
    for (let before = -1, left = 64; !log.ended && log.next !== before && left > 0; --left) {
      const part = await ask(`${base}/log?stream=${task.stream}&attempt=${attempt}&offset=${before = log.next}`);
      addText(log, part.text); Object.assign(log, { next: part.next, ended: part.ended, error: "" });
    }
  } catch (problem) {
    if (!isAnswer(problem)) throw problem;
    Object.assign(log, { error: problem.message, ended: task.final || attempt < latest });
  }
}
function addText(log, text) {
  const { node } = log, atEnd = node.scrollHeight - node.scrollTop - node.clientHeight < 30;
  if (text) node.append(text);
  for (log.held += text.length; log.held > logMost; log.dropped = true) {
    const drop = Math.min(node.firstChild.length, log.held - logMost);
    log.held -= drop;
    if (drop === node.firstChild.length) node.firstChild.remove(); else node.firstChild.deleteData(0, drop);
  }
  if (atEnd) node.scrollTop = node.scrollHeight;
}

function notice(text) {
  Object.assign($("notice"), { textContent: text, hidden: false }); clearTimeout(notice.timer);
  notice.timer = setTimeout(() => { $("notice").hidden = true; }, 5000);
}
async function act(question, verb, method, path, done) {
  $("question").textContent = question; $("yes").textContent = verb; $("sure").returnValue = "";
  $("sure").showModal(); await new Promise((closed) => { $("sure").onclose = closed; });
  if ($("sure").returnValue !== "yes") return;
  try {
    notice((await call(path, { method })).cancelled === false ? "It had ended already." : done);
    if (run) run.final = false; // so it is asked again
    if (method === "DELETE" && page === "run") location.hash = "#/";
  } catch (problem) { notice(reason(problem)); }
  refresh();
}
function saveAs(bytes, name) {
  const href = URL.createObjectURL(new Blob([bytes], { type: "application/octet-stream" }));
  Object.assign(document.createElement("a"), { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), 60000);
}
function download(run, path) {
  call(`runs/${segment(run)}/files/${path.split("/").map(segment).join("/")}`, { as: "blob" })
    .then((bytes) => saveAs(bytes, path.split("/").pop())).catch((problem) => notice(`${path}: ${reason(problem)}`));
}

