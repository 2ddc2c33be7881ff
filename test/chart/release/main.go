// Reads a HelmRelease as JSON from stdin and says what Flux's own types have against it.
package main

import (
	"fmt"
	"io"
	"os"

	helm "github.com/fluxcd/helm-controller/api/v2"
	"sigs.k8s.io/yaml"
)

func main() {
	text, err := io.ReadAll(os.Stdin)
	if err != nil {
		panic(err)
	}
	if err := yaml.UnmarshalStrict(text, &helm.HelmRelease{}); err != nil {
		fmt.Println(err)
	}
}
