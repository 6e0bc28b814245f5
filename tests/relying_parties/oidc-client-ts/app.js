// A tax application that is a page alone: a public client, on an origin of its own.

const { issuer, clientId, ownUrl } = window.settings

const manager = new oidc.UserManager({
  authority: issuer,
  client_id: clientId,
  redirect_uri: `${ownUrl}/app`,
  post_logout_redirect_uri: `${ownUrl}/app`,
  scope: 'openid profile tax_identity',
  loadUserInfo: true,
  revokeTokensOnSignout: true,
})

const show = (what) => { document.getElementById('me').textContent = JSON.stringify(what) }

async function start() {
  if (new URLSearchParams(location.search).has('code')) {
    await manager.signinCallback()
    history.replaceState({}, '', '/app')
  }
  const user = await manager.getUser()
  show(user && { claims: user.profile, accessToken: user.access_token })
}

async function refresh() {
  try {
    const user = await manager.signinSilent()
    show({ claims: user.profile, accessToken: user.access_token })
  } catch (error) {
    // The identity has ended: so has the session here.
    await manager.removeUser()
    show({ ended: error.error ?? error.message })
  }
}

const failed = (error) => show({ failed: String(error) })
document.getElementById('login').onclick = () => manager.signinRedirect().catch(failed)
document.getElementById('logout').onclick = () => manager.signoutRedirect().catch(failed)
document.getElementById('refresh').onclick = refresh
start().catch(failed)
