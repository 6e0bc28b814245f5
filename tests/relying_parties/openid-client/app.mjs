// A tax application on openid-client, as its quickstart begins one; ../README.md says what it answers.

import { readFileSync } from 'node:fs'

import express from 'express'
import session from 'express-session'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import * as client from 'openid-client'

const { ISSUER, CLIENT_ID, CLIENT_SECRET, OWN_URL } = process.env

const config = await client.discovery(new URL(ISSUER), CLIENT_ID, CLIENT_SECRET)

const store = new session.MemoryStore()
const app = express()
app.use(session({ store, secret: 'of this example', resave: false, saveUninitialized: false }))

app.get('/', (req, res) => {
  const file = readFileSync('node_modules/openid-client/package.json')
  res.json({ library: 'openid-client', version: JSON.parse(file).version })
})

app.get('/login', async (req, res) => {
  const verifier = client.randomPKCECodeVerifier()
  const state = client.randomState()
  req.session.begun = { verifier, state }
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: `${OWN_URL}/callback`,
    scope: 'openid profile tax_identity',
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
  })
  res.redirect(url.href)
})

app.get('/callback', async (req, res) => {
  const { verifier, state } = req.session.begun
  const tokens = await client.authorizationCodeGrant(config, new URL(req.originalUrl, OWN_URL), {
    pkceCodeVerifier: verifier,
    expectedState: state,
    idTokenExpected: true,
  })
  // A new session id, so that nobody waits with the old one.
  req.session.regenerate(() => {
    req.session.claims = tokens.claims()
    keep(req.session, tokens)
    res.redirect('/')
  })
})

// Only what the answer holds: a confidential client's refresh token stays the same.
function keep(session, tokens) {
  session.accessToken = tokens.access_token
  session.idToken = tokens.id_token ?? session.idToken
  session.refreshToken = tokens.refresh_token ?? session.refreshToken
}

app.get('/me', (req, res) => {
  res.status(req.session.claims ? 200 : 401).json(req.session.claims ?? {})
})

app.get('/userinfo', async (req, res) => {
  const { claims, accessToken } = req.session
  if (!claims) return res.status(401).json({})
  res.json(await client.fetchUserInfo(config, accessToken, claims.sub))
})

app.get('/refresh', async (req, res) => {
  if (!req.session.refreshToken) return res.status(401).json({})
  const before = req.session.accessToken
  try {
    keep(req.session, await client.refreshTokenGrant(config, req.session.refreshToken))
  } catch (error) {
    if (error.error !== 'invalid_grant') throw error
    // The identity has ended: so has the session here.
    return req.session.destroy(() => res.status(401).json({}))
  }
  res.json({ is_new: req.session.accessToken !== before })
})

app.get('/logout', (req, res) => {
  const url = client.buildEndSessionUrl(config, {
    post_logout_redirect_uri: `${OWN_URL}/`,
    id_token_hint: req.session.idToken,
  })
  req.session.destroy(() => res.redirect(url.href))
})

const keys = createRemoteJWKSet(new URL(config.serverMetadata().jwks_uri))
const EVENT = 'http://schemas.openid.net/event/backchannel-logout'

async function loggedOut(token) {
  const { payload } = await jwtVerify(token, keys, {
    issuer: ISSUER,
    audience: CLIENT_ID,
    typ: 'logout+jwt',
    requiredClaims: ['sid'],
  })
  if (!payload.events?.[EVENT] || 'nonce' in payload) throw new Error('not a logout token')
  return payload.sid
}

app.post('/backchannel', express.urlencoded(), async (req, res) => {
  const sid = await loggedOut(req.body.logout_token).catch(() => undefined)
  if (!sid) return res.status(400).end()
  store.all((error, sessions) => {
    for (const [id, one] of Object.entries(sessions)) {
      if (one.claims?.sid === sid) store.destroy(id)
    }
    res.end()
  })
})

const { hostname, port } = new URL(OWN_URL)
app.listen(Number(port), hostname)
