// The real nginx with deploy/nginx.conf, in front of hubs on this machine.
//
// Promises: only where it listens, what it writes and which hubs it has is changed in the file.
// Must never: stay behind; it is one process, which ends with `close`.
import { once } from "node:events"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { startChild } from "./children.mjs"
import { freePort, Hub, postgres, temporaryFolder } from "./hub.mjs"

const FILE = join(import.meta.dirname, "../../../deploy/nginx.conf")

function render(hubs, [plain, status], folder) {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(kind => `${kind}_temp_path ${folder}/${kind};`)
  const named = /^ *server hub:8080 .*$/m
  const file = readFileSync(FILE, "utf8")
  const line = named.exec(file)[0]
  return file
    .replace(line, hubs.map(hub => line.replace("hub:8080", `127.0.0.1:${hub.port}`)).join("\n"))
    .replace("http {\n", `http {\n${temporary.join("\n")}\n`)
    .replace("listen 80 ", `listen 127.0.0.1:${plain} `)
    .replace("listen 8081;", `listen 127.0.0.1:${status};`)
    .replace("/run/", `${folder}/`)
    .replace("/var/log/nginx/error.log", "stderr")
    .replaceAll("/var/log/nginx/", `${folder}/`)
}

export class Nginx {
  static async start(hubs) {
    const folder = temporaryFolder()
    const [plain, status] = [await freePort(), await freePort()]
    writeFileSync(join(folder.path, "nginx.conf"), render(hubs, [plain, status], folder.path))
    const env = { PATH: `${process.env.PATH}:/usr/sbin` }
    const child = startChild("nginx", ["-g", "daemon off; master_process off;", "-c", join(folder.path, "nginx.conf")], { env, stdio: "ignore" })
    const nginx = Object.assign(new Nginx(), { child, folder, url: `http://127.0.0.1:${plain}`, ended: once(child, "exit") })
    await nginx.#answers()
    return nginx
  }

  async #answers() {
    const alive = () => this.child.exitCode === null
    while (alive() && !(await fetch(`${this.url}/api/health/ready`).then(answer => answer.ok, () => false))) await new Promise(setImmediate)
    if (!alive()) throw new Error("nginx ended")
  }

  async close() {
    this.child.kill("SIGKILL")
    await this.ended
    this.folder.close()
  }
}

/** Two hubs on one Postgres and one Redis, behind nginx. */
export class Cluster {
  static async start() {
    const redis = process.env.BLOCKHUB_TEST_REDIS
    if (!redis) throw new Error("BLOCKHUB_TEST_REDIS names no server: run this with `./test with`")
    const database = postgres()
    const settings = { DATABASE_URL: database.url, REDIS_URL: redis, BLOCKHUB_DB_POOL_MIN: "0", BLOCKHUB_DB_POOL_MAX: "8" }
    const hubs = await Promise.all(["hub-1", "hub-2"].map(name => Hub.start({ ...settings, BLOCKHUB_HUB_ID: name })))
    const nginx = await Nginx.start(hubs)
    return Object.assign(new Cluster(), { database, hubs, nginx, url: nginx.url })
  }

  async close() {
    await this.nginx.close()
    await Promise.all(this.hubs.map(hub => hub.close()))
    this.database.close()
  }
}
