#include "gateway/guide.hpp"

#include <array>
#include <string>

namespace maze::gateway {

namespace {

constexpr std::string_view three_steps = R"(maze: 1
name: count-words
tasks:
  left:  { shell: 'printf "%s" "$MAZE_INPUT_text" | wc -w', inputs: { text: "to be or" }, output: { run: dict } }
  right: { shell: 'printf "%s" "$MAZE_INPUT_text" | wc -w', inputs: { text: "not to be" }, output: { run: dict } }
  sum:
    code: |
      def total(a, b):
          return int(a) + int(b)
    inputs: { a: left.output.run.stdout, b: right.output.run.stdout }
    output: { words: int }
result: sum.output.words
)";

constexpr std::string_view with_files = R"(maze: 1
name: make-and-check
defaults: { output: { run: dict }, timeout: 10m, retries: 1 }
tasks:
  make:  { shell: 'mkdir -p data && seq 100 > data/numbers.txt', cpus: 0.5, memory: 100MB }
  check: { command: [wc, -l, data/numbers.txt], after: [make] }
collect: ["data/*"]
result: check.output.run.stdout
)";

constexpr std::array examples{three_steps, with_files};

std::string written() {
  std::string out =
      R"(A workflow is YAML or JSON. Its tasks run as soon as what they refer to, or name in `after`, has completed.

)";
  out += three_steps;
  out += R"(
What a task runs, one of:
  command: [program, argument, {param: name}]   no shell
  shell: "a line or a script for /bin/sh"
  code: Python source with one function, which gets `inputs` by name; its standard library is there
  python: "file.py:function", function: "library.name"   from files that come with the workflow

Every task declares one output with a type. Of a command or shell it is a dictionary {exit_code, stdout, stderr}
of type dict; of a function it is what it returns: any, bool, int, float, string, bytes, list, dict.
A value is referred to as TASK.output.NAME, then .key or [0]: left.output.run.stdout. A stream in a value ends
after 64 KiB; hand more over in files. A status other than 0 fails a task unless `ok_exit: [1]` lists it.

`inputs: {a: 3, b: left.output.run.stdout}` gives parameters their values. A command or shell finds them in its
ENVIRONMENT as $MAZE_INPUT_a and $MAZE_INPUT_b: text as it is, all else as JSON. `$a` is empty.

Each task starts in a folder of its own that holds the workflow's files and what the tasks before it wrote there;
what it writes is published when it completes. A task sees no other task's files unless it refers to it, or names it in `after`:

)";
  out += with_files;
  out += R"(
Further keys of a task, or of `defaults` for all: cpus, memory, gpus (to reserve), timeout, retries, labels
({node: w1} or a label that list_nodes shows), env, priority, and sandbox: seccomp for code that is not trusted, or
{level: seccomp, memory: 1GB, cpu_time: 1m, network: true}. Names are letters, digits, _ and -.
`result` is the value of the whole run. validate_workflow tells every fault with its remedy.
)";
  return out;
}

} // namespace

std::string_view workflow_guide() {
  static const std::string text = written();
  return text;
}

std::span<const std::string_view> guide_examples() { return examples; }

} // namespace maze::gateway
