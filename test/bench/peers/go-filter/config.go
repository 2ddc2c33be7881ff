package main

import (
	"encoding/json"
	"errors"
)

// The plug-in configuration: ChainConfig of chain-config.ts.
type config struct {
	Issuer    string   `json:"issuer"`
	Audiences []string `json:"audiences"`
	Jwks      struct {
		Keys []jwk `json:"keys"`
	} `json:"jwks"`
	Tasks      []task `json:"tasks"`
	Log        bool   `json:"log"`
	TokenCache int    `json:"tokenCache"`
}

type jwk struct {
	Kty string `json:"kty"`
	Kid string `json:"kid"`
	Alg string `json:"alg"`
	N   string `json:"n"`
	E   string `json:"e"`
}

type task struct {
	Taskid            string  `json:"taskid"`
	RequestsPerSecond float64 `json:"requestsPerSecond"`
}

func parseConfig(text []byte) (*config, error) {
	parsed := &config{TokenCache: 1000}
	if err := json.Unmarshal(text, parsed); err != nil {
		return nil, err
	}
	if parsed.Issuer == "" || len(parsed.Jwks.Keys) == 0 {
		return nil, errors.New("issuer and jwks are needed")
	}
	return parsed, nil
}
