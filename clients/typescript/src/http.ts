// The hub over HTTP: what is not said on the socket.
//
// Promises: an answer that is no success is thrown as a HubError with the hub's code and words.
// Must never: put a token into a URL.

import type { Theme } from "./api.js"
import { HubError } from "./errors.js"
import type { Access, Block, ErrorCode, Json, NewBlock, ProjectInfo, User } from "./protocol.js"

export interface HttpOptions {
  url: string
  token: (() => string | Promise<string>) | undefined
  user: User | undefined
  fetch: typeof fetch
}

export class Http {
  readonly #options: HttpOptions

  constructor(options: HttpOptions) {
    this.#options = options
  }

  createProject(body: { title: string; access?: Access; blocks?: NewBlock[] }): Promise<ProjectInfo> {
    return this.#call("POST", "/projects", { ...body })
  }

  info(project: string): Promise<ProjectInfo> {
    return this.#call("GET", `/projects/${project}`)
  }

  readTheme(id: string): Promise<Theme> {
    return this.#call("GET", `/themes/${encodeURIComponent(id)}`)
  }

  async writeTheme(id: string, theme: Theme): Promise<void> {
    await this.#call("PUT", `/themes/${encodeURIComponent(id)}`, theme)
  }

  async change(project: string, body: { title: string } | { access: Access } | { theme: string }): Promise<void> {
    await this.#call("PATCH", `/projects/${project}`, body)
  }

  async remove(project: string): Promise<void> {
    await this.#call("DELETE", `/projects/${project}`)
  }

  blocks(project: string, at: number): Promise<{ seq: number; blocks: Block[] }> {
    return this.#call("GET", `/projects/${project}/blocks?at=${at}`)
  }

  async #call<T>(method: string, path: string, body?: object): Promise<T> {
    const headers = {
      ...(await this.#identity()),
      ...(body === undefined ? {} : { "Content-Type": "application/json" }),
    }
    const request = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }
    const answer = await this.#options.fetch(`${this.#options.url}/api${path}`, request).catch((error: Error) => {
      throw new HubError({ code: "unreachable", message: `The hub cannot be reached: ${error.message}` })
    })
    const text = await answer.text()
    if (!answer.ok) throw problem(answer, text)
    return (text === "" ? undefined : JSON.parse(text)) as T
  }

  async #identity(): Promise<Record<string, string>> {
    const { token, user } = this.#options
    if (token !== undefined) return { Authorization: `Bearer ${await token()}` }
    return user === undefined ? {} : { "X-BlockHub-User": bytes(user.id) }
  }
}

/** UTF-8 as a header takes it: a character for each byte. */
function bytes(text: string): string {
  return Array.from(new TextEncoder().encode(text), byte => String.fromCharCode(byte)).join("")
}

function problem(answer: Response, text: string): HubError {
  const wait = Number(answer.headers.get("Retry-After"))
  const retryAfterMs = wait > 0 ? { retryAfterMs: wait * 1000 } : {}
  try {
    const { code, title, detail } = JSON.parse(text) as Record<string, Json>
    return new HubError({ code: code as ErrorCode, message: String(detail ?? title), ...retryAfterMs })
  } catch {
    return new HubError({ code: "internal", message: `The hub answered ${answer.status}.`, ...retryAfterMs })
  }
}
