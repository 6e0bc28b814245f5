"""A tax application on Authlib's Flask client; ../README.md says what it answers."""

import importlib.metadata
import os
import secrets
from urllib.parse import urlencode, urlsplit

from authlib.integrations.base_client import OAuthError
from authlib.integrations.flask_client import OAuth
from flask import Flask, jsonify, redirect, request, session
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

ISSUER, OWN_URL = os.environ["ISSUER"], os.environ["OWN_URL"]
CLIENT_ID = os.environ["CLIENT_ID"]

app = Flask(__name__)
app.secret_key = secrets.token_bytes(32)

oauth = OAuth(app)
oauth.register(
    name="hufu",
    client_id=CLIENT_ID,
    client_secret=os.environ["CLIENT_SECRET"],
    server_metadata_url=f"{ISSUER}/.well-known/openid-configuration",
    client_kwargs={
        "scope": "openid profile tax_identity",
        "code_challenge_method": "S256",
    },
)

# Flask keeps a session in its cookie, where nobody else can end it: the tokens stay here.
signed_in = {}


@app.get("/")
def home():
    return jsonify(library="Authlib", version=importlib.metadata.version("authlib"))


@app.get("/login")
def login():
    return oauth.hufu.authorize_redirect(f"{OWN_URL}/callback")


@app.get("/callback")
def callback():
    token = oauth.hufu.authorize_access_token()
    session["id"] = secrets.token_urlsafe()
    signed_in[session["id"]] = token
    return redirect("/")


def own_token():
    return signed_in.get(session.get("id"))


@app.get("/me")
def me():
    token = own_token()
    if token is None:
        return jsonify(), 401
    return jsonify(token["userinfo"])


@app.get("/userinfo")
def userinfo():
    token = own_token()
    if token is None:
        return jsonify(), 401
    return jsonify(oauth.hufu.userinfo(token=token))


@app.get("/refresh")
def refresh():
    token = own_token()
    if token is None:
        return jsonify(), 401
    try:
        new = oauth.hufu.fetch_access_token(
            grant_type="refresh_token", refresh_token=token["refresh_token"]
        )
    except OAuthError as error:
        if error.error != "invalid_grant":
            raise
        # The identity has ended: so has the session here.
        del signed_in[session["id"]]
        return jsonify(), 401
    is_new = new["access_token"] != token["access_token"]
    # Only what the answer holds: a confidential client's refresh token stays the same.
    signed_in[session["id"]] = {**token, **new}
    return jsonify(is_new=is_new)


@app.get("/logout")
def logout():
    token = signed_in.pop(session.pop("id", None), None)
    if token is None:
        return redirect("/")
    query = {"id_token_hint": token["id_token"], "post_logout_redirect_uri": f"{OWN_URL}/"}
    end = oauth.hufu.load_server_metadata()["end_session_endpoint"]
    return redirect(f"{end}?{urlencode(query)}")


EVENT = "http://schemas.openid.net/event/backchannel-logout"
registry = jwt.JWTClaimsRegistry(
    iss={"essential": True, "value": ISSUER},
    aud={"essential": True, "value": CLIENT_ID},
    exp={"essential": True},
    sid={"essential": True},
    events={"essential": True},
)


def verified(text):
    """The claims of a logout token, with keys that are fetched again when one is unknown."""
    for is_last in (False, True):
        keys = KeySet.import_key_set(oauth.hufu.fetch_jwk_set(force=is_last))
        try:
            token = jwt.decode(text, keys, algorithms=["RS256"])
            break
        except (JoseError, ValueError):
            if is_last:
                raise
    claims = token.claims
    registry.validate(claims)
    is_one = token.header.get("typ") == "logout+jwt" and EVENT in claims["events"]
    if not is_one or "nonce" in claims:
        raise ValueError("not a logout token")
    return claims


@app.post("/backchannel")
def backchannel():
    try:
        sid = verified(request.form["logout_token"])["sid"]
    except (JoseError, ValueError):
        return jsonify(), 400
    for key in [key for key, token in signed_in.items() if token["userinfo"]["sid"] == sid]:
        del signed_in[key]
    return jsonify()


if __name__ == "__main__":
    at = urlsplit(OWN_URL)
    app.run(at.hostname, at.port)
