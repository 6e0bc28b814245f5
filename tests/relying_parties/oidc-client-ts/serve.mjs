// Files and nothing else: the application runs in the browser. Its settings are a script of their own.

import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'

const { ISSUER, CLIENT_ID, OWN_URL } = process.env
const own = JSON.stringify({ issuer: ISSUER, clientId: CLIENT_ID, ownUrl: OWN_URL })
const version = JSON.parse(readFileSync('node_modules/oidc-client-ts/package.json')).version

const files = {
  '/': ['application/json', JSON.stringify({ library: 'oidc-client-ts', version })],
  '/settings.js': ['text/javascript', `window.settings = ${own}`],
  '/library.js': [
    'text/javascript',
    readFileSync('node_modules/oidc-client-ts/dist/browser/oidc-client-ts.min.js'),
  ],
  '/app.js': ['text/javascript', readFileSync('app.js')],
  '/app': ['text/html', readFileSync('app.html')],
}

const { hostname, port } = new URL(OWN_URL)
createServer((request, response) => {
  const file = files[new URL(request.url, OWN_URL).pathname]
  if (!file) return response.writeHead(404).end()
  response.writeHead(200, { 'content-type': file[0] }).end(file[1])
}).listen(Number(port), hostname)
