// A bot that does sums: it finishes each line that ends with "=", such as "12 * (3 + 4) =", while people go on writing.
//
//   npm ci && npm run build -w @blockhub/client     once, in the folder above
//   node examples/bot.mjs PROJECT                   on an open hub
//
// BLOCKHUB_URL says which hub (http://127.0.0.1:8080), BLOCKHUB_TOKEN who the bot is on a hub with a key:
// `blockhub token --user adder --kind agent --project PROJECT=editor`. History then says that an agent did it.
import { connect } from "@blockhub/client"
import WebSocket from "ws" // Node 20 has none of its own

const url = process.env.BLOCKHUB_URL ?? "http://127.0.0.1:8080"
const key = process.env.BLOCKHUB_TOKEN
const who = key ? { token: () => key } : { user: { id: "adder", name: "Adder" } }
const project = connect({ url, webSocket: WebSocket, ...who }).project(process.argv[2])

project.onEvent(event => event.ops?.forEach(op => finish(op.block?.id ?? op.block)))
project.on("state", () => project.blocks.forEach(block => finish(block.id)))

/** Writes the sum behind the line, if it asks for one. */
function finish(id) {
  const text = project.block(id)?.content.text
  const sum = typeof text === "string" && text.endsWith("=") ? value(text.slice(0, -1)) : undefined
  if (sum === undefined) return
  project.text(id, "/text", [{ at: text.length, delete: 0, insert: ` ${sum}` }])
    .saved.then(({ seq }) => console.log(`${text} ${sum} (saved as number ${seq})`), error => console.error(error.message))
}

/** What a sum comes to: numbers, + - * / and parentheses; undefined if it is none. */
function value(sum) {
  const parts = sum.match(/[\d.]+|[-+*/()]|\S/g) ?? []
  const next = (...these) => these.includes(parts[0]) && parts.shift()
  const times = (left, sign) => (sign === "*" ? left * atom() : left / atom())
  const plus = (left, sign) => (sign === "+" ? left + term() : left - term())
  function atom() {
    if (next("-")) return -atom()
    if (!next("(")) return /^\d*\.?\d+$/.test(parts[0] ?? "") ? Number(parts.shift()) : NaN
    const inner = all()
    return next(")") ? inner : NaN
  }
  function term(left = atom()) {
    for (let sign; (sign = next("*", "/")); ) left = times(left, sign)
    return left
  }
  function all(left = term()) {
    for (let sign; (sign = next("+", "-")); ) left = plus(left, sign)
    return left
  }
  const found = all()
  return parts.length === 0 && Number.isFinite(found) ? found : undefined
}
