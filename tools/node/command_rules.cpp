#include "node/command_rules.hpp"

#include <initializer_list>

namespace maze::node {

namespace {

using keys = std::vector<std::string_view>;

const word_rule workflow_file{"FILE", "The workflow file", "a workflow file is missing"};
const word_rule one_run{"RUN", "A run: its id or the beginning of it, a workflow's name, or 'last'",
                        "a run is missing: its id, a workflow's name, or 'last'"};

/// Of every command that talks to a running cluster.
keys client(std::initializer_list<std::string_view> more = {}) {
  keys out{"cluster", "output", "color", "quiet"};
  out.insert(out.end(), more);
  return out;
}

keys every_setting() {
  keys out;
  for (const setting_rule& rule : setting_rules())
    out.push_back(rule.key);
  return out;
}

std::vector<command_rule> local_commands() {
  return {
      {command::run,
       "run",
       "Run a workflow on this machine and bring its files home",
       "Examples:\n  maze-node run pipeline.yaml\n"
       "  maze-node run pipeline.yaml --out results --jobs 4 --memory 8GiB\n"
       "  maze-node run pipeline.yaml --output json --progress never | jq .state",
       {workflow_file},
       {"out",          "keep",           "dir",           "output",    "jobs",
        "resources",    "cpus",           "memory",        "gpus",      "progress",
        "color",        "quiet",          "log_level",     "log_file",  "task_user",
        "sandbox",      "sandbox_option", "sandbox_limit", "pass_env",  "lease",
        "trusted_code", "image_size",     "image_age",     "image_dir", "label"},
       {{"workers", "N", "Run the tasks on N worker nodes, processes that end with the run"}}},
      {command::validate,
       "validate",
       "Check a workflow file and report every fault with its place",
       "Examples:\n  maze-node validate pipeline.yaml\n"
       "  maze-node validate pipeline.yaml --output json",
       {workflow_file},
       {"output", "color", "quiet"},
       {}},
      {command::functions,
       "functions",
       "List the functions that task libraries and Python files offer to workflows",
       "Examples:\n  maze-node functions build/libtext.so\n"
       "  maze-node functions plugins count\n"
       "  maze-node functions report.py --output json\n\n"
       "Each file is loaded in a sandboxed child, never by maze-node itself: a library as the\n"
       "user of a task (--task-user), a Python file as whoever asks, for it finds its neighbours.",
       {{"PATH", "A task library (.so), a Python file (.py), or a folder of both",
         "a path is missing: a task library, a Python file or a folder of them"},
        {"FUNCTION", "Show all of this function", ""}},
       {"dir", "output", "color", "quiet", "task_user"},
       {}},
      {command::doctor,
       "doctor",
       "Say what this machine can enforce for tasks, and how to enable the rest",
       "Examples:\n  maze-node doctor\n"
       "  maze-node doctor --output json\n\n"
       "Each mechanism was tried, as whoever asks, overlays in the node's folder: ask as the user "
       "that runs the node, with its "
       "--dir and --task-user.",
       {},
       {"dir", "output", "color", "quiet", "task_user"},
       {}},
  };
}

std::vector<command_rule> cluster_commands() {
  return {
      {command::start,
       "start",
       "Start a cluster that stays, or a worker node of one",
       "Examples:\n  maze-node start --detach\n"
       "  maze-node start --detach --name lab --resources cpus=4,memory=8GB,gpus=1 --label "
       "room=b12\n"
       "  maze-node start --detach --name lab --listen tcp:10.0.0.1:4242\n"
       "  maze-node start --role worker --cluster lab --name w1\n"
       "  maze-node start --role worker --join w1.join --listen tcp:10.0.0.2:0",
       {},
       {"cluster",  "dir",          "output",        "name",      "listen",         "join",
        "label",    "resources",    "cpus",          "memory",    "gpus",           "jobs",
        "quiet",    "color",        "log_level",     "log_file",  "task_user",      "sandbox",
        "pass_env", "lease",        "reclaim_after", "libraries", "sandbox_option", "sandbox_limit",
        "permit",   "trusted_code", "image_size",    "image_age", "image_dir"},
       {{"detach", "", "Go on in the background; return when the cluster is ready"},
        {"role", "both|master|worker", "What the node does (default: both)"},
        {"until-eof", "", "End when standard input ends; for --role worker"}}},
      {command::join_file,
       "join-file",
       "Make a file that lets a node or a client of another machine in; it is a secret",
       "Examples:\n  maze-node join-file w1\n"
       "  maze-node join-file anna --for client --days 30\n"
       "  maze-node join-file ben --for client --permit read_files,network_access\n"
       "  maze-node join-file carl --for client --as analyst\n"
       "  maze-node join-file w2 --address tcp:gate.example.org:4242 --file w2.join",
       {{"NAME", "What the node or client is called", "a name for the node or client is missing"}},
       client({"roles"}),
       {{"for", "worker|client", "Whom it lets in (default: worker)"},
        {"address", "ENDPOINT", "Where the master is reached, if not where it listens"},
        {"days", "N", "How long it lets them in (default: 365)"},
        {"file", "FILE", "Where to write it (default: NAME.join in this folder)"},
        {"permit", "LIST",
         "Let the client's tasks, or those given to the worker, do only this: of read_files, "
         "write_files, network_access, system_commands; or all, or none (default: all). The "
         "cluster's own --permit holds besides"},
        {"as", "ROLE", "Permit what the setting 'roles' says of ROLE"}}},
      {command::stop,
       "stop",
       "Stop a cluster and everything that runs in it",
       "Examples:\n  maze-node stop\n  maze-node stop --cluster lab",
       {},
       client(),
       {}},
      {command::status,
       "status",
       "Show how a cluster stands",
       "Examples:\n  maze-node status\n  maze-node status --output json",
       {},
       client(),
       {}},
      {command::submit,
       "submit",
       "Hand a workflow to a cluster",
       "Examples:\n  maze-node submit pipeline.yaml\n"
       "  maze-node submit pipeline.yaml --wait --out results\n"
       "  maze-node submit pipeline.yaml --id nightly-2026-11-21",
       {workflow_file},
       client({"out", "progress", "sandbox_option"}),
       {{"wait", "", "Wait for the end of the run and bring its files home"},
        {"id", "ID", "Repeating a submit with the same ID gives the same run"}}},
      {command::runs,
       "runs",
       "List the runs of a cluster, the youngest first",
       "Examples:\n  maze-node runs\n  maze-node runs --output json | jq '.runs[0].run'",
       {},
       client(),
       {}},
      {command::tasks,
       "tasks",
       "List the tasks of a run",
       "Examples:\n  maze-node tasks last\n  maze-node tasks word-count --output json\n\n"
       "JSON also tells what each task calls, and when its last attempt was in which phase:\n"
       "pull (its files come, its private view is made), resolve, execute, push. Times are in\n"
       "seconds from the run's start.",
       {one_run},
       client(),
       {}},
  };
}

std::vector<command_rule> run_commands() {
  return {
      {command::logs,
       "logs",
       "Print what a task has printed",
       "Examples:\n  maze-node logs last count\n  maze-node logs last count --stderr --follow",
       {one_run, {"TASK", "A task of the run", "a task is missing"}},
       client(),
       {{"stderr", "", "Standard error instead of standard output"},
        {"attempt", "N", "Of the N-th attempt (default: the last one)"},
        {"follow", "", "Go on until the attempt has ended"}}},
      {command::result,
       "result",
       "Print the result of a run",
       "Examples:\n  maze-node result last\n  maze-node result last --output json",
       {one_run},
       client(),
       {}},
      {command::files,
       "files",
       "List the files that a run published, or bring them home",
       "Examples:\n  maze-node files last\n  maze-node files last --history\n"
       "  maze-node files last --out results",
       {one_run},
       client({"out"}),
       {{"history", "", "Every version and who wrote it"}}},
      {command::cancel,
       "cancel",
       "Stop a run, or one task and what depends on it",
       "Examples:\n  maze-node cancel last\n  maze-node cancel last count",
       {one_run, {"TASK", "Only this task", ""}},
       client(),
       {}},
      {command::forget,
       "forget",
       "Drop runs that have ended, with their logs and the files that no other run needs",
       "Examples:\n  maze-node forget word-count\n  maze-node forget --all\n\n"
       "Nobody can ask about a forgotten run any more. Files that somebody uses at this very\n"
       "moment go a little later: see 'maze-node start --help', --reclaim-after.",
       {{"RUN", "Which run: last, an id or its beginning, a workflow's name", ""}},
       client(),
       {{"all", "", "Every run that has ended, and files from before the cluster's start"}}},
      {command::nodes,
       "nodes",
       "List the nodes of a cluster",
       "Examples:\n  maze-node nodes\n  maze-node nodes --output json",
       {},
       client(),
       {}},
      {command::drain,
       "drain",
       "Give a node no new tasks; what runs there comes to its end",
       "Example:\n  maze-node drain lab",
       {{"NODE", "Its name or number", "a node is missing: 'maze-node nodes' lists them"}},
       client(),
       {}},
      {command::serve,
       "serve",
       "Serve a cluster's dashboard, HTTP API and MCP on this machine's loopback address",
       "Examples:\n  maze-node serve\n  maze-node serve --port 0 --read-only\n"
       "  curl -H \"Authorization: Bearer $(cat TOKEN_FILE)\" "
       "http://127.0.0.1:7420/api/v1/nodes\n\n"
       "Whoever has the token may do what you may. From another machine, forward the port:\n"
       "ssh -L 7420:127.0.0.1:7420 HOST.",
       {},
       client({"dir", "sandbox_option"}),
       {{"port", "N", "Listen on this port; 0: any free one (default: 7420)"},
        {"token-file", "FILE",
         "Where the token lies; made where there is none (default: gateway.token in the state)"},
        {"read-only", "", "Refuse whatever changes the cluster"}}},
      {command::mcp,
       "mcp",
       "Let an assistant use a cluster: the Model Context Protocol on standard input and output",
       "Example, in the configuration of an assistant:\n"
       "  {\"mcpServers\": {\"maze\": {\"command\": \"maze-node\", \"args\": [\"mcp\", "
       "\"--read-only\"]}}}",
       {},
       client({"sandbox_option"}),
       {{"read-only", "", "Refuse whatever changes the cluster, and do not offer it"}}},
      {command::config,
       "config",
       "Print each setting's value and where it comes from",
       "Examples:\n  maze-node config\n  MAZE_JOBS=2 maze-node config --output json",
       {},
       every_setting(),
       {}},
      {command::version,
       "version",
       "Print the version",
       "Example:\n  maze-node version",
       {},
       {},
       {}},
  };
}

} // namespace

std::span<const command_rule> command_rules() {
  static const std::vector<command_rule> rules = [] {
    auto out = local_commands();
    for (auto more : {cluster_commands(), run_commands()})
      out.insert(out.end(), more.begin(), more.end());
    return out;
  }();
  return rules;
}

} // namespace maze::node
