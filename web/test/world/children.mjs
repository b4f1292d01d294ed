// The programs that a test file has started: hubs, nginx.
//
// Promises: what still runs when the file's process exits is killed with it.
// Must never: end a process that was not started here.
import { spawn } from "node:child_process"

const running = new Set()
process.once("exit", () => running.forEach(child => child.kill("SIGKILL")))

/** Starts a program that does not outlive this process. */
export function startChild(program, args, options) {
  const child = spawn(program, args, options)
  running.add(child)
  return child.once("exit", () => running.delete(child))
}
