"use strict";
const at = (run, task) => `#/runs/${segment(run)}` + (task ? `/tasks/${segment(task)}` : "");
const pill = (state, more) => h("span.pill", { class: state }, state, more && ` (${more})`);
const button = (text, onclick, disabled) => h("button", { type: "button", key: text, disabled, onclick }, text);
const td = (look, ...kids) => h("td", { class: look }, kids);
const table = (heads, rows) => h("div.card.scroll", { tabindex: 0 }, h("table", {}, h("thead", {}, h("tr", {},
  heads.map((head) => h("th", { scope: "col", class: head.startsWith("~") && "wide" }, head.replace("~", ""))))),
h("tbody", {}, rows)));
const open = (title, key, ...kids) => h("details", { open: true, key }, h("summary", {}, title), kids);
const words = (counts) => states.filter((state) => counts[state] > 0).map((state) => [state, counts[state],
  `${counts[state]} ${state.replace("_", " ")}`]);
function progress(counts) {
  const text = words(counts).map((each) => each[2]).join(", ") || "no tasks";
  return h("div.bar", { role: "img", "aria-label": text, title: text },
    words(counts).map(([state, n]) => h("i", { key: state, class: state, style: `flex:${n}` })));
}
const countsOf = (counts) => h("div.row", {}, words(counts).map(([state, , text]) =>
  h("span.pill", { key: state, class: state }, text)));
const meter = (what, used, total, text) => h("div.meter", {}, h("span", {}, what), h("span.soft", {}, text),
  h("div.bar", {}, h("i", { style: `width:${total > 0 ? 100 * used / total : 0}%`, hidden: !(used > 0) })));
const pager = (first, shown, total, most, go) => (total > most || first > 0) && h("p.row", { key: "pager" },
  h("span.soft", {}, shown ? `${first + 1} to ${first + shown} of ${total}` : `none here, ${total} in all`),
  button("Earlier page", () => go(Math.max(0, first - most)), first === 0),
  button("Later page", () => go(first + most), first + shown >= total));
function value(what, name) {
  if (typeof what?.stdout === "string" && "exit_code" in what) return h("div", {},
    ["stdout", "stderr"].filter((x) => what[x]).map((x) => h("div", { key: x }, h("p.soft", {}, x), value(what[x], x))),
    h("p.soft", {}, `exit status ${what.exit_code}`));
  const keys = Object.keys(what ?? {});
  if (keys.length === 1 && typeof what[keys[0]]?.stdout === "string") return value(what[keys[0]], name);
  const text = typeof what === "string" ? what : JSON.stringify(what, null, 2);
  return h("div.card", {}, h("pre", { tabindex: 0 }, text.slice(0, shownMost)), text.length > shownMost
    && h("p.soft", {}, `The first ${size(shownMost)} of ${size(text.length)} `,
      button("Save all of it", () => saveAs(text, name))));
}

function render() {
  const { status } = cluster;
  patch($("summary"), status ? [h("h1", {}, status.name), h("div.soft", {}, [`maze ${status.version}`,
    `since ${status.started} UTC`, plural(status.nodes, "node"), plural(status.cpus, "core"), size(status.memory),
    status.gpus > 0 && plural(status.gpus, "GPU"), `${status.runs.live} of ${plural(status.runs.total, "run")} live`,
    status.you?.identity && `you: ${status.you.identity}`, !mayChange() && "to look at only"].filter(Boolean).join(" · ")),
  status.runs.live > 0 && h("div.row", {}, h("span.soft", {}, "tasks of live runs:"), countsOf(status.tasks))] : [h("h1", {}, "maze")]);
  document.title = [page === "run" && (task?.id ?? run.told?.name), status?.name, "maze"].filter(Boolean).join(" – ");
  if (!$("view").hidden) patch($("view"), page === "run" ? runView() : clusterView());
}
function clusterView() {
  const { nodes, runs } = cluster, to = (first) => { cluster.first = first; refresh(); };
  if (!nodes || !runs) return [h("p.soft", {}, "Asking the cluster …")];
  return [h("h2", {}, "Nodes"), nodes.nodes.length ? h("div.cards", { key: "nodes" }, nodes.nodes.map(nodeCard))
    : h("p", { key: "empty" }, "No node yet: nothing runs before one joins. ",
      h("code", {}, "maze-node start --role worker")),
  h("h2", {}, "Runs"), runs.runs.length ? h("div", { key: "runs" }, table(["Name", "~Run", "State", "Tasks",
    "~Accepted (UTC)", ""], runs.runs.map(runRow))) : h("p", { key: "none" }, "No run yet: ",
    h("code", {}, "maze-node submit FILE"), ", or ", h("a", { href: "#/submit" }, "submit one here"), "."),
  pager(cluster.first, runs.runs.length, runs.total, runsPage, to)];
}
function nodeCard(node) {
  const cpus = node.cpus - node.cpus_free, memory = node.memory - node.memory_free, gpus = node.gpus - node.gpus_free;
  const drain = () => act(`Drain node ${node.name}? It takes no new tasks; what runs there ends in peace.`,
    "Drain the node", "POST", `nodes/${segment(node.name)}/drain`, `Node ${node.name} takes no new tasks.`);
  return h("div.card", { key: node.node }, h("div.row", {}, h("span.name", {}, node.name), pill(node.state),
    h("span.right", {}, node.state === "ready" && mayChange() && button("Drain", drain))),
  meter("Cores", cpus, node.cpus, `${+cpus.toFixed(3)} of ${node.cpus} used`),
  meter("Memory", memory, node.memory, `${size(memory)} of ${size(node.memory)}`),
  node.gpus > 0 && meter("GPUs", gpus, node.gpus, `${gpus} of ${node.gpus} used`),
  h("div.soft", {}, `${node.running} running, ${node.waiting} waiting`),
  h("div.soft", {}, `${size(node.received)} in, ${size(node.sent)} out`), h("div.row", {},
    Object.entries(node.labels ?? {}).map(([name, text]) => h("span.chip", { key: name }, `${name}=${text}`)),
    h("span.chip.soft", { key: "", title: "the strongest sandbox that it offers" },
      `sandbox: ${node.sandbox?.levels?.at(-1)}`)));
}
const mayChange = () => !cluster.status?.gateway?.read_only;
function runButton(one) {
  if (!mayChange() || (run?.missing && one === run.told)) return null;
  const path = `runs/${segment(one.run)}`, name = `run ${one.run} (${one.name})`;
  if (ended(one.state)) return button("Forget", () => act(`Forget ${name}? Its result, files and logs go.`,
    "Forget the run", "DELETE", path, "The run is forgotten."));
  return one.state !== "cancelling" && button("Cancel", () => act(`Cancel ${name}? What runs is stopped.`,
    "Cancel the run", "POST", `${path}/cancel`, "The run is being cancelled."));
}
const runRow = (one) => h("tr", { key: one.run }, td("cut", h("a.name", { href: at(one.run) }, one.name)),
  td("few wide", one.run), td("few", pill(one.state)), td("", progress(one.tasks), h("span.soft.few", {},
    `${one.tasks.completed ?? 0} of ${words(one.tasks).reduce((sum, each) => sum + each[1], 0)}`)),
  td("few wide", one.accepted), td("few", runButton(one)));
function runView() {
  const { told } = run, back = h("p", {}, h("a", { href: "#/" }, "All runs"));
  if (!told) return [back, h("p", { class: run.missing ? "bad" : "soft" }, run.missing || "Asking …")];
  return [h("div.split", { class: task && "two", key: run.id }, h("div", {}, back, h("div.row", {},
    h("h2.name", {}, told.name), pill(told.state), h("span.soft", {},
      `${told.run} · started ${(told.timing?.started ?? "?").replace("T", " ").slice(0, 19)} UTC · `
        + time(told.timing?.elapsed_s)),
    h("span.right", {}, runButton(told))), h("p.bad", { hidden: !run.missing }, run.missing), progress(told.states),
  countsOf(told.states), told.notes?.map((note, i) => h("p", { key: `note ${i}` }, note)),
  told.failed?.length > 0 && open(`${plural(told.failed.length, "task")} ended badly`, "failed",
    told.failed.slice(0, 10).map(failure), told.failed.length > 10 && `and ${told.failed.length - 10} more`),
  (told.truncated ?? []).slice(0, 10).map((x) => h("p.late", { key: `${x.task} ${x.stream}` }, `Task ${x.task} wrote `
    + `${size(x.total)} to ${x.stream}; its value holds ${size(x.kept)}, its log the rest.`)),
  told.result != null ? open("Result", "result", value(told.result, `${told.run}.json`))
    : run.final && h("p.soft", { key: "none" }, "This run has no result: a workflow's ",
      h("code", {}, "result"), " names one, for example ", h("code", {}, "result: task.output.run.stdout"), "."),
  tasksPart(run), timeline(run.rows), filesPart(told)), task && taskPanel())];
}
function failure(one) {
  const { error } = one, about = [error?.class, error?.exit_code != null && `exit status ${error.exit_code}`,
    error?.signal != null && `signal ${error.signal}`, plural(one.attempts, "attempt")].filter(Boolean).join(" · ");
  return h("div.card", { key: one.task }, h("div.row", {}, h("a.name", { href: at(run.told.run, one.task) }, one.task),
    pill(one.state), h("span.soft", {}, about)), h("pre.low", { tabindex: 0 }, error?.message ?? ""),
  evidenceOf(error?.class, error?.evidence));
}
const evidenceOf = (kind, text) => text && open(kind === "user_exception" ? "Traceback"
  : "The end of its standard error", "evidence", h("pre.low", { tabindex: 0 }, text));
function tasksPart({ rows: shown, first, total, state, name }) {
  const set = (what) => { Object.assign(run, { first: 0 }, what); render(); refresh(); };
  return h("div", { key: "tasks" }, h("div.row", {}, h("h2", {}, "Tasks"), h("select", { "aria-label": "State",
    onchange: (event) => set({ state: event.target.value }) }, h("option", { value: "" }, "all states"),
  states.slice(0, 8).map((state) => h("option", { key: state }, state))), h("input", { type: "search",
    "aria-label": "Part of a name", placeholder: "part of a name",
    oninput: (event) => set({ name: event.target.value }) })),
  shown.length ? table(["Task", "State", "~Attempts", "~Node", "Time", "~Why"], shown.map((one) => h("tr",
    { key: one.task, class: task?.id === one.task && "on" },
    td("cut", h("a", { href: at(run.told.run, one.task) }, one.task)), td("few", pill(one.state, one.phase)),
    td("wide", one.attempts), td("wide", one.node), td("few", one.started_s != null && time(one.elapsed_s)),
    td("cut wide", one.error?.message.split("\n")[0].slice(0, 200)))))
    : h("p.soft", {}, state || name ? "No task fits." : "This run has no tasks yet."),
  pager(first, shown.length, total, tasksPage, (to) => set({ first: to })));
}
function timeline(rows) {
  const spans = (one) => [...one.earlier, one].filter((x) => x.started_s != null), all = rows.flatMap(spans);
  if (all.length === 0) return null;
  const from = all.reduce((least, x) => Math.min(least, x.started_s), Infinity);
  const to = all.reduce((most, x) => Math.max(most, x.started_s + x.elapsed_s), from + 0.001);
  const part = (s) => `${(100 * s / (to - from)).toFixed(3)}%`;
  return open("Timeline of these tasks", "timeline", h("div.card.scroll", { tabindex: 0 }, h("div.lane.soft", {},
    h("span", {}, "since the start"), h("span.row", {}, time(from), h("span.right", {}, time(to)))),
  rows.filter((one) => spans(one).length).map((one) => h("div.lane", { key: one.task },
    h("a", { href: at(run.told.run, one.task), title: one.task }, one.task), h("div.track", {}, spans(one).map((x, i) =>
      h("i", { key: i, class: x === one ? one.state : "failed", title: `${x.node ?? ""} ${time(x.elapsed_s)}`,
        style: `left:${part(x.started_s - from)};width:${part(x.elapsed_s)}` })))))));
}
function filesPart(told) {
  const { files, error } = run.files, left = (told.left_out ?? []).map((x) => x.path).slice(0, 20).join(", ");
  const row = (one) => h("tr", { key: one.path }, one.kind === "file"
    ? [td("cut", button(one.path, () => download(told.run, one.path))), td("few", size(one.size))]
    : [td("cut", one.path), td("few", one.kind)], td("cut wide soft", one.hash));
  return open(`Files (${files.length})`, "files", error && h("p.bad", {}, error),
    files.length > 0 && table(["Path", "Size", "~Hash"], files.slice(0, 1000).map(row)),
    files.length > 1000 && "The first 1000 are shown.", left && h("p.soft", {}, `Left out: ${left}`));
}
const phases = (one) => one.phases.map((x) => `${x.phase} ${time(x.ended_s - x.began_s)}`).join(", ");
// A record as it came, in words, so what is added to it later is shown as well.
function details(record) {
  const words = (key, value) => key.endsWith("_s") ? time(value) : typeof value !== "object" ? String(value)
    : !Array.isArray(value) ? details(value) : typeof value[0] !== "object" ? value.join(", ")
      : value.map((each, i) => h("div", { key: i }, details(each)));
  return h("dl", { class: record.level !== record.requested && "bad" }, Object.entries(record)
    .filter(([, value]) => value != null && value !== "" && value.length !== 0).map(([key, value]) =>
      [h("dt", { key }, key.replace(/_s$/, "").replaceAll("_", " ")), h("dd", { key }, words(key, value))]));
}
function taskPanel() {
  const { told } = task, one = told?.task;
  const cancel = () => act(`Cancel task ${one.task}? What depends on it goes as well.`, "Cancel the task", "POST",
    `runs/${segment(run.told.run)}/tasks/${segment(one.task)}/cancel`, "The task is being cancelled.");
  return h("aside.card.panel", { key: task.id, "aria-label": "Task" }, h("div.row", {}, h("h2.name", {}, task.id),
    told && [pill(one.state, one.phase), !ended(one.state) && mayChange() && button("Cancel", cancel)],
    h("a.right", { href: at(run.told.run) }, "Close")), task.missing ? h("p.bad", {}, task.missing)
    : !told && h("p.soft", {}, "Asking …"),
  told && [details({ ...one, task: "", state: "", phase: "", phases: phases(one),
    earlier: one.earlier.map((x) => ({ ...x, phases: phases(x) })) }),
  h("div.bar", { hidden: !one.phases.length, role: "img", "aria-label": phases(one) }, one.phases.map((x) =>
    h("i", { class: x.phase, title: x.phase, style: `flex:${1e6 * (x.ended_s - x.began_s)}` }))),
  evidenceOf(one.error?.class, told.evidence), told.output != null && open("Output", "output", value(told.output, `${one.task}.json`)), logPart(one)]);
}
function logPart(one) {
  const { log } = task, set = (what) => { Object.assign(task, what); render(); refresh(); };
  if (one.attempts === 0) return h("p.soft", { key: "log" }, "It has not begun, so it printed nothing.");
  return h("div", { key: "log" }, h("h2", {}, "Log"), h("div.row", {}, ["stdout", "stderr"].map((stream) => h("button",
    { type: "button", key: stream, class: task.stream === stream && "main", "aria-pressed": `${task.stream === stream}`,
      onclick: () => set({ stream }) }, stream)), one.attempts > 1 && h("select", { "aria-label": "Attempt",
    onchange: (event) => set({ attempt: +event.target.value }) }, h("option", { value: 0 }, "last attempt"),
  Array.from({ length: one.attempts }, (_, i) => h("option", { value: i + 1 }, `attempt ${i + 1}`))), h("span.soft", {},
    log && (log.error || (log.ended ? log.next ? size(log.next) : "It printed nothing." : "follows while it runs")),
    log?.dropped && `, the last ${size(logMost)} are shown`)), log && h("pre", { key: log.key, node: log.node }));
}
