"use strict";
$("workflow").onkeydown = (event) => { if (event.key === "Enter" && event.ctrlKey) $("hand-in").requestSubmit(); };
// What was typed outlives a reload.
const example = `maze: 1
name: hello
tasks:
  who: { command: [uname, -n], output: { run: dict } }
  greet:
    shell: 'echo "hello from $MAZE_INPUT_name"'
    inputs: { name: who.output.run.stdout }
    output: { run: dict }
result: greet.output.run.stdout
`;
$("workflow").placeholder = example;
$("workflow").value = sessionStorage.getItem("workflow") ?? "";
$("workflow").oninput = () => { sessionStorage.setItem("workflow", $("workflow").value); };
$("example").onclick = () => { $("workflow").value = example; $("workflow").oninput(); };
$("pick").onchange = async () => { $("workflow").value = await $("pick").files[0]?.text() ?? ""; };
async function handIn(place, accepted) {
  const body = $("workflow").value, say = (...kids) => patch($("verdict"), kids);
  say(h("p.soft", {}, "Asking …"));
  try {
    const type = body.trimStart().startsWith("{") ? "application/json" : "application/yaml";
    const told = await call(place, { method: "POST", body, type });
    say(h("p", {}, accepted(told)), (told.warnings ?? []).map((text) => h("p", {}, `Warning: ${text}`)));
  } catch (problem) {
    const faults = problem.faults ?? [];
    say(h("p.bad", {}, faults.length ? `It has ${plural(faults.length, "fault")}:` : reason(problem)),
      faults.map((fault) => h("p", {}, fault.line > 0 && [button(`line ${fault.line}`, () => toLine(fault.line)), " "],
        fault.field && `${fault.field}: `, fault.message, fault.remedy && `; ${fault.remedy}`)));
  }
}
$("hand-in").onsubmit = (event) => {
  event.preventDefault();
  handIn("runs", (told) => ["Accepted: run ", h("a", { href: at(told.run) }, `${told.run} (${told.name})`)]);
};
$("check").onclick = () => handIn("validate", (told) => `'${told.name}' is sound: ${plural(told.tasks, "task")}.`);
function toLine(line) {
  const lines = $("workflow").value.split("\n");
  const from = lines.slice(0, line - 1).reduce((sum, x) => sum + x.length + 1, 0);
  $("workflow").focus(); $("workflow").setSelectionRange(from, from + (lines[line - 1] ?? "").length);
}

// What the terminal knows: words it takes (those in brackets may be left out), what it is for, what it does.
const text = (path) => call(path, { accept: "text/plain", as: "text" });
const tell = (method, path, done) => call(path, { method })
  .then((told) => told.cancelled === false ? "It had ended already." : done);
const paged = async (path, most, first = 0) => {
  const told = await text(`${path}?first=${first}&count=${most}`);
  return told.split("\n").length - 2 < most ? told : `${told}More: add --first ${+first + most}\n`;
};
const commands = {
  help: ["[COMMAND]", "what there is", ([name]) => {
    const known = Object.entries(commands).filter(([each]) => !name || each === name);
    if (known.length === 0) throw noCommand(name);
    return known.map(([each, [usage, about]]) => `${`${each} ${usage}`.padEnd(42)}${about}\n`).join("")
      + "\nRUN is an id, its beginning, a workflow's name, or 'last'. All else is for the command line.";
  }],
  status: ["", "how the cluster stands", () => text("status")],
  nodes: ["", "its nodes", () => text("nodes")],
  runs: ["[--first N]", "its runs, youngest first", (_, { first }) => paged("runs", runsPage, first)],
  tasks: ["RUN [--first N]", "the tasks of a run", ([run], { first }) => paged(`runs/${run}/tasks`, tasksPage, first)],
  result: ["RUN", "what it came to", ([run]) => text(`runs/${run}`)],
  files: ["RUN", "what its tasks published", ([run]) => text(`runs/${run}/files`)],
  logs: ["RUN TASK [--stderr] [--attempt N]", "what a task prints", ([run, task], { stderr, attempt }) => text(
    `runs/${run}/tasks/${task}/log?stream=${stderr ? "stderr" : "stdout"}${attempt ? `&attempt=${attempt}` : ""}`)],
  cancel: ["RUN [TASK]", "stops a run, or one task of it", ([run, task]) => tell("POST",
    task ? `runs/${run}/tasks/${task}/cancel` : `runs/${run}/cancel`, "It is being cancelled.")],
  drain: ["NODE", "a node takes no new tasks", ([node]) => tell("POST",
    `nodes/${node}/drain`, "It takes no new tasks.")],
  forget: ["RUN", "drops a run that has ended", ([run]) => tell("DELETE", `runs/${run}`, "It is forgotten.")],
  config: ["", "each setting, its value and who set it", () => text("config")],
  clear: ["", "empties this screen", () => { $("screen").replaceChildren(); return ""; }],
};
function noCommand(name) {
  return new Error(["submit", "validate", "run"].includes(name)
    ? `'${name}' needs a file: use the page Submit, or the command line.`
    : `There is no command '${name}' here; 'help' lists those there are.`);
}
async function execute(line) {
  const [name, ...rest] = [...line.replace(/^maze-node(\s+|$)/, "").matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)]
    .map((match) => match[1] ?? match[2] ?? match[3]);
  if (!Object.hasOwn(commands, name ?? "help"))
    throw noCommand(name);
  const [usage, , deed] = commands[name ?? "help"], flags = {}, words = [];
  const wrong = (what) => new Error(`${what}. Usage: ${name} ${usage}`.trim());
  while (rest.length > 0) {
    const word = rest.shift(), [, flag, given] = /^--(\w+)(?:=(.*))?$/.exec(word) ?? [];
    if (!flag) words.push(segment(word));
    else if (usage.includes(`[--${flag}]`) && given == null) flags[flag] = true;
    else if (!usage.includes(`[--${flag} N]`) || !/^\d+$/.test(flags[flag] = given ?? rest.shift()))
      throw wrong(`Here '${word}' is no flag, or lacks its number`);
  }
  const count = (what) => usage.replace(what, "").match(/\w+/g)?.length ?? 0;
  if (words.length < count(/\[.*?\]/g)) throw wrong("A word is missing");
  if (words.length > count(/\[--.*?\]/g)) throw wrong(`There is no place for '${words.at(-1)}'`);
  return deed(words, flags);
}
const typed = [];
let back = 0;
$("prompt").onsubmit = async (event) => {
  event.preventDefault();
  const line = $("typed").value.trim(), screen = $("screen"), entry = document.createElement("pre");
  if (!line) return;
  $("typed").value = "";
  if (typed.at(-1) !== line) typed.push(line);
  back = typed.length; entry.textContent = `> ${line}\n`; screen.append(entry);
  try {
    const told = await execute(line);
    entry.append(told.length > logMost ? `… the last ${size(logMost)}:\n${told.slice(-logMost)}` : told);
  } catch (problem) {
    entry.append(reason(problem)); entry.className = "bad";
  }
  while (screen.childElementCount > 100) screen.firstChild.remove();
  screen.scrollTop = screen.scrollHeight;
};
$("typed").onkeydown = (event) => {
  const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (!step) return;
  event.preventDefault(); back = Math.min(typed.length, Math.max(0, back + step));
  $("typed").value = typed[back] ?? "";
};

addEventListener("hashchange", goTo);
addEventListener("click", (event) => { clicked = !!event.target.closest?.("a[href^='#/']"); });
document.addEventListener("visibilitychange", refresh);
goTo();
