package main

import (
	"bytes"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"slices"
	"time"
)

// What a token that passed says; times are seconds since 1970.
type verified struct {
	subject            string
	notBefore, expires int64
}

type key struct {
	kid string
	// SubjectPublicKeyInfo in DER.
	der []byte
}

// Checks JSON Web Tokens signed with RS256. Envoy checks the signature (its foreign function verify_signature); a token
// that passed is remembered, so that only its times are checked when it comes again.
type verifier struct {
	issuer        string
	audiences     []string
	keys          []key
	recent, older map[string]verified
	generation    int
}

func newVerifier(config *config) *verifier {
	made := &verifier{
		issuer:     config.Issuer,
		audiences:  config.Audiences,
		recent:     map[string]verified{},
		generation: config.TokenCache / 2,
	}
	for _, jwk := range config.Jwks.Keys {
		if jwk.Kty != "RSA" || jwk.Alg != "" && jwk.Alg != "RS256" {
			continue
		}
		if der, err := rsaPublicKey(jwk.N, jwk.E); err == nil {
			made.keys = append(made.keys, key{jwk.Kid, der})
		}
	}
	return made
}

// The subject of a token that is valid now, or why it is refused.
func (v *verifier) verify(token []byte, now time.Duration) (subject, reason string) {
	known, ok := v.recent[string(token)]
	if !ok {
		known, ok = v.older[string(token)]
	}
	if !ok {
		known, ok = v.check(token)
		if !ok {
			return "", "token_invalid"
		}
		v.remember(token, known)
	}
	seconds := int64(now / time.Second)
	if seconds >= known.expires {
		return "", "token_expired"
	}
	if seconds < known.notBefore {
		return "", "token_not_yet_valid"
	}
	return known.subject, ""
}

// Keeps between half of the tokens that the cache may hold and all of them.
func (v *verifier) remember(token []byte, known verified) {
	if v.generation == 0 {
		return
	}
	if len(v.recent) >= v.generation {
		v.older, v.recent = v.recent, make(map[string]verified, v.generation)
	}
	v.recent[string(token)] = known
}

func (v *verifier) check(token []byte) (verified, bool) {
	none := verified{}
	parts := bytes.Split(token, []byte("."))
	if len(parts) != 3 {
		return none, false
	}
	var header struct {
		Alg string  `json:"alg"`
		Kid *string `json:"kid"`
	}
	var claims struct {
		Iss string   `json:"iss"`
		Sub string   `json:"sub"`
		Aud audience `json:"aud"`
		Exp int64    `json:"exp"`
		Nbf int64    `json:"nbf"`
	}
	signature, err := decode(parts[2])
	if err != nil || decodeJSON(parts[0], &header) != nil || decodeJSON(parts[1], &claims) != nil {
		return none, false
	}
	wanted := func(audience string) bool { return slices.Contains(v.audiences, audience) }
	if header.Alg != "RS256" || claims.Iss != v.issuer || !slices.ContainsFunc(claims.Aud, wanted) {
		return none, false
	}
	text := token[:len(token)-len(parts[2])-1]
	signed := func(key key) bool {
		return (header.Kid == nil || key.kid == *header.Kid) && key.signed(text, signature)
	}
	return verified{claims.Sub, claims.Nbf, claims.Exp}, slices.ContainsFunc(v.keys, signed)
}

// One text or several.
type audience []string

func (a *audience) UnmarshalJSON(text []byte) error {
	if len(text) > 0 && text[0] == '[' {
		return json.Unmarshal(text, (*[]string)(a))
	}
	*a = make([]string, 1)
	return json.Unmarshal(text, &(*a)[0])
}

func decode(text []byte) ([]byte, error) {
	return base64.RawURLEncoding.AppendDecode(nil, text)
}

func decodeJSON(text []byte, value any) error {
	decoded, err := decode(text)
	if err != nil {
		return err
	}
	return json.Unmarshal(decoded, value)
}

// Fields of envoy.source.extensions.common.wasm.VerifySignatureArguments.
const (
	argumentHashFunction = 1
	argumentPublicKey    = 2
	argumentSignature    = 3
	argumentText         = 4
)

// VerifySignatureResult with its field result true and nothing else.
var signatureVerified = []byte{0x08, 0x01}

func (k key) signed(text, signature []byte) bool {
	arguments := make([]byte, 0, len(text)+len(signature)+len(k.der)+32)
	arguments = appendField(arguments, argumentHashFunction, []byte("sha256"))
	arguments = appendField(arguments, argumentPublicKey, k.der)
	arguments = appendField(arguments, argumentSignature, signature)
	arguments = appendField(arguments, argumentText, text)
	return bytes.Equal(callForeign("verify_signature", arguments), signatureVerified)
}

// SubjectPublicKeyInfo in DER (RFC 5280, RFC 3279).
func rsaPublicKey(modulus, exponent string) ([]byte, error) {
	n, err := decode([]byte(modulus))
	if err != nil {
		return nil, err
	}
	e, err := decode([]byte(exponent))
	if err != nil {
		return nil, err
	}
	type publicKey struct{ N, E *big.Int }
	bits, err := asn1.Marshal(publicKey{new(big.Int).SetBytes(n), new(big.Int).SetBytes(e)})
	if err != nil {
		return nil, err
	}
	type algorithm struct {
		Algorithm  asn1.ObjectIdentifier
		Parameters asn1.RawValue
	}
	type publicKeyInfo struct {
		Algorithm algorithm
		PublicKey asn1.BitString
	}
	rsaEncryption := algorithm{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}, asn1.NullRawValue}
	return asn1.Marshal(publicKeyInfo{rsaEncryption, asn1.BitString{Bytes: bits, BitLength: len(bits) * 8}})
}
