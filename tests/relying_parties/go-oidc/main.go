// A tax application on go-oidc and x/oauth2; ../README.md says what it answers.
package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"net/url"
	"os"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// api is what this application's API is registered as.
const api = "https://api.example/identity"

// claims are those that every application of the bureau reads.
type claims struct {
	Sub         string          `json:"sub"`
	Sid         string          `json:"sid"`
	Acr         string          `json:"acr"`
	TaxIdentity json.RawMessage `json:"tax_identity"`
	Roles       []string        `json:"roles"`
	Permissions []string        `json:"permissions"`
}

type signedIn struct {
	claims  claims
	idToken string
	token   *oauth2.Token
}

type app struct {
	issuer   string
	ownURL   string
	provider *oidc.Provider
	verifier *oidc.IDTokenVerifier
	forAPI   *oidc.IDTokenVerifier
	config   oauth2.Config

	mutex    sync.Mutex
	begun    map[string]string // state to PKCE verifier
	sessions map[string]signedIn
}

func main() {
	ctx := context.Background()
	issuer, ownURL := os.Getenv("ISSUER"), os.Getenv("OWN_URL")
	provider, err := oidc.NewProvider(ctx, issuer)
	if err != nil {
		log.Fatal(err)
	}
	a := &app{
		issuer:   issuer,
		ownURL:   ownURL,
		provider: provider,
		verifier: provider.Verifier(&oidc.Config{ClientID: os.Getenv("CLIENT_ID")}),
		forAPI:   provider.Verifier(&oidc.Config{ClientID: api}),
		config: oauth2.Config{
			ClientID:     os.Getenv("CLIENT_ID"),
			ClientSecret: os.Getenv("CLIENT_SECRET"),
			Endpoint:     provider.Endpoint(),
			RedirectURL:  ownURL + "/callback",
			Scopes:       []string{oidc.ScopeOpenID, "profile", "tax_identity"},
		},
		begun:    map[string]string{},
		sessions: map[string]signedIn{},
	}
	http.HandleFunc("GET /{$}", a.home)
	http.HandleFunc("GET /login", a.login)
	http.HandleFunc("GET /callback", a.callback)
	http.HandleFunc("GET /me", a.me)
	http.HandleFunc("GET /userinfo", a.userinfo)
	http.HandleFunc("GET /ask", a.ask)
	http.HandleFunc("GET /refresh", a.refresh)
	http.HandleFunc("GET /logout", a.logout)
	http.HandleFunc("POST /backchannel", a.backchannel)
	http.HandleFunc("GET /api/identity", a.identity)
	at, err := url.Parse(ownURL)
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.ListenAndServe(at.Host, nil))
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func (a *app) home(w http.ResponseWriter, _ *http.Request) {
	version := ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, module := range info.Deps {
			if module.Path == "github.com/coreos/go-oidc/v3" {
				version = module.Version
			}
		}
	}
	answer(w, http.StatusOK, map[string]string{"library": "go-oidc", "version": version})
}

func (a *app) login(w http.ResponseWriter, r *http.Request) {
	state, verifier := rand.Text(), oauth2.GenerateVerifier()
	a.mutex.Lock()
	a.begun[state] = verifier
	a.mutex.Unlock()
	http.SetCookie(w, &http.Cookie{Name: "state", Value: state, HttpOnly: true, SameSite: http.SameSiteLaxMode})
	to := a.config.AuthCodeURL(state, oauth2.S256ChallengeOption(verifier))
	// The access token is for the API (RFC 8707), and for userinfo as well.
	to += "&" + url.Values{"resource": {api, a.issuer}}.Encode()
	http.Redirect(w, r, to, http.StatusFound)
}

func (a *app) callback(w http.ResponseWriter, r *http.Request) {
	state := r.URL.Query().Get("state")
	cookie, err := r.Cookie("state")
	if err != nil || cookie.Value != state {
		http.Error(w, "not begun here", http.StatusBadRequest)
		return
	}
	a.mutex.Lock()
	verifier := a.begun[state]
	delete(a.begun, state)
	a.mutex.Unlock()
	token, err := a.config.Exchange(r.Context(), r.URL.Query().Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	raw, _ := token.Extra("id_token").(string)
	idToken, err := a.verifier.Verify(r.Context(), raw)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	signed := signedIn{idToken: raw, token: token}
	if err := idToken.Claims(&signed.claims); err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	id := rand.Text()
	a.mutex.Lock()
	a.sessions[id] = signed
	a.mutex.Unlock()
	http.SetCookie(w, &http.Cookie{Name: "session", Value: id, HttpOnly: true, SameSite: http.SameSiteLaxMode})
	http.Redirect(w, r, "/", http.StatusFound)
}

// own is the session of the browser that asks, and its id.
func (a *app) own(r *http.Request) (string, signedIn, bool) {
	cookie, err := r.Cookie("session")
	if err != nil {
		return "", signedIn{}, false
	}
	a.mutex.Lock()
	defer a.mutex.Unlock()
	signed, ok := a.sessions[cookie.Value]
	return cookie.Value, signed, ok
}

func (a *app) me(w http.ResponseWriter, r *http.Request) {
	_, signed, ok := a.own(r)
	if !ok {
		answer(w, http.StatusUnauthorized, struct{}{})
		return
	}
	answer(w, http.StatusOK, signed.claims)
}

func (a *app) userinfo(w http.ResponseWriter, r *http.Request) {
	_, signed, ok := a.own(r)
	if !ok {
		answer(w, http.StatusUnauthorized, struct{}{})
		return
	}
	info, err := a.provider.UserInfo(r.Context(), oauth2.StaticTokenSource(signed.token))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	var told claims
	if err := info.Claims(&told); err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	answer(w, http.StatusOK, told)
}

// ask shows the access token to the API.
func (a *app) ask(w http.ResponseWriter, r *http.Request) {
	_, signed, ok := a.own(r)
	if !ok {
		answer(w, http.StatusUnauthorized, struct{}{})
		return
	}
	client := oauth2.NewClient(r.Context(), oauth2.StaticTokenSource(signed.token))
	told, err := client.Get(a.ownURL + "/api/identity")
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer told.Body.Close()
	w.WriteHeader(told.StatusCode)
	_, _ = io.Copy(w, told.Body)
}

func (a *app) refresh(w http.ResponseWriter, r *http.Request) {
	id, signed, ok := a.own(r)
	if !ok {
		answer(w, http.StatusUnauthorized, struct{}{})
		return
	}
	// Without an access token the source asks for one at once.
	old := &oauth2.Token{RefreshToken: signed.token.RefreshToken}
	token, err := a.config.TokenSource(r.Context(), old).Token()
	var refused *oauth2.RetrieveError
	a.mutex.Lock()
	defer a.mutex.Unlock()
	switch {
	case errors.As(err, &refused) && refused.ErrorCode == "invalid_grant":
		// The identity has ended: so has the session here.
		delete(a.sessions, id)
		answer(w, http.StatusUnauthorized, struct{}{})
	case err != nil:
		http.Error(w, err.Error(), http.StatusBadGateway)
	default:
		isNew := token.AccessToken != signed.token.AccessToken
		signed.token = token
		a.sessions[id] = signed
		answer(w, http.StatusOK, map[string]bool{"is_new": isNew})
	}
}

func (a *app) logout(w http.ResponseWriter, r *http.Request) {
	id, signed, ok := a.own(r)
	if !ok {
		http.Redirect(w, r, "/", http.StatusFound)
		return
	}
	a.mutex.Lock()
	delete(a.sessions, id)
	a.mutex.Unlock()
	var metadata struct {
		EndSession string `json:"end_session_endpoint"`
	}
	if err := a.provider.Claims(&metadata); err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	query := url.Values{
		"id_token_hint":            {signed.idToken},
		"post_logout_redirect_uri": {a.ownURL + "/"},
	}
	http.Redirect(w, r, metadata.EndSession+"?"+query.Encode(), http.StatusFound)
}

// typ is what a token says it is: "JWT", "at+jwt", "logout+jwt". The library does not look.
func typ(raw string) string {
	head, _, _ := strings.Cut(raw, ".")
	bytes, err := base64.RawURLEncoding.DecodeString(head)
	if err != nil {
		return ""
	}
	var header struct {
		Typ string `json:"typ"`
	}
	_ = json.Unmarshal(bytes, &header)
	return header.Typ
}

// identity is an API (RFC 9068): it takes access tokens that are for it, and no ID token.
func (a *app) identity(w http.ResponseWriter, r *http.Request) {
	raw := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	token, err := a.forAPI.Verify(r.Context(), raw)
	if err != nil || typ(raw) != "at+jwt" {
		http.Error(w, "not an access token for this API", http.StatusUnauthorized)
		return
	}
	var told claims
	if err := token.Claims(&told); err != nil {
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	}
	answer(w, http.StatusOK, told)
}

const event = "http://schemas.openid.net/event/backchannel-logout"

// backchannel ends what a logout token names. The library verifies it as it does an ID token; that it is
// one for signing out is looked at here.
func (a *app) backchannel(w http.ResponseWriter, r *http.Request) {
	raw := r.PostFormValue("logout_token")
	token, err := a.verifier.Verify(r.Context(), raw)
	if err != nil || typ(raw) != "logout+jwt" || token.Nonce != "" {
		http.Error(w, "not a logout token", http.StatusBadRequest)
		return
	}
	var told struct {
		Sid    string                     `json:"sid"`
		Events map[string]json.RawMessage `json:"events"`
	}
	if err := token.Claims(&told); err != nil || told.Sid == "" || told.Events[event] == nil {
		http.Error(w, "not a logout token", http.StatusBadRequest)
		return
	}
	a.mutex.Lock()
	defer a.mutex.Unlock()
	for id, one := range a.sessions {
		if one.claims.Sid == told.Sid {
			delete(a.sessions, id)
		}
	}
}
