const { globSync, readFileSync } = require('node:fs')
const { createServer } = require('node:http')

const FOLDER = '/etc/grafana/provisioning'

/** A value of a YAML file, by its key: enough for provisioning. */
function value(kind, key) {
  const files = globSync(`${FOLDER}/${kind}/*.{yml,yaml}`)
  for (const file of files) {
    const found = new RegExp(`^[\\s-]*${key}: *['"]?([^'"\\n]+)`, 'm').exec(readFileSync(file, 'utf8'))
    if (found) return found[1].trim()
  }
  throw new Error(`expected ${key} in ${FOLDER}/${kind}, found ${files.length} files without it`)
}

async function answer(path) {
  const titles = globSync(`${value('dashboards', 'path')}/**/*.json`).map(
    (file) => JSON.parse(readFileSync(file, 'utf8')).title,
  )
  if (path === '/api/search') return titles.map((title) => ({ title }))
  const source = value('datasources', 'url')
  const { ok, status } = await fetch(`${source}/-/ready`)
  if (!ok || titles.length === 0) throw new Error(`${source} answers ${status}, ${titles.length} dashboards`)
  return { database: 'ok' }
}

createServer((request, response) => {
  answer(request.url).then(
    (body) => response.end(JSON.stringify(body)),
    (error) => response.writeHead(503).end(String(error.stack)),
  )
}).listen(3000)
process.on('SIGTERM', () => process.exit(0))
