// Says what Flux and Argo CD make of objects by the health checks of manifests/gitops, with the interpreters that they use.
// Reads JSON: {"objects": [...], "cel": {"inProgress", "failed", "current"}, "lua": "..."}; writes [{"flux", "argo"}, ...].
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/ext"
	lua "github.com/yuin/gopher-lua"
)

type input struct {
	Objects []map[string]any
	Cel     struct{ InProgress, Failed, Current string }
	Lua     string
}

func main() {
	var in input
	if err := json.NewDecoder(os.Stdin).Decode(&in); err != nil {
		panic(err)
	}
	answers := []map[string]string{}
	for _, object := range in.Objects {
		answers = append(answers, map[string]string{"flux": flux(in, object), "argo": argo(in.Lua, object)})
	}
	if err := json.NewEncoder(os.Stdout).Encode(answers); err != nil {
		panic(err)
	}
}

// As fluxcd/pkg/runtime/cel, StatusEvaluator (RFC 0009): the generation first, then the expressions in this order.
func flux(in input, object map[string]any) string {
	status, _ := object["status"].(map[string]any)
	metadata, _ := object["metadata"].(map[string]any)
	if seen, ok := status["observedGeneration"]; ok && seen != metadata["generation"] {
		return "InProgress"
	}
	for _, check := range []struct{ expression, answer string }{
		{in.Cel.InProgress, "InProgress"}, {in.Cel.Failed, "Failed"}, {in.Cel.Current, "Current"},
	} {
		if check.expression == "" {
			continue
		}
		holds, err := evaluate(check.expression, object)
		if err != nil {
			// Flux calls it unknown, and waits.
			return "Unknown"
		}
		if holds {
			return check.answer
		}
	}
	return "InProgress"
}

func evaluate(expression string, object map[string]any) (bool, error) {
	env, err := cel.NewEnv(
		cel.HomogeneousAggregateLiterals(), cel.EagerlyValidateDeclarations(true), cel.DefaultUTCTimeZone(true),
		cel.CrossTypeNumericComparisons(true), cel.OptionalTypes(), ext.Strings(), ext.Sets(), ext.Encoders(),
	)
	if err != nil {
		panic(err)
	}
	parsed, issues := env.Parse(expression)
	if issues != nil {
		panic(issues.String())
	}
	program, err := env.Program(parsed, cel.EvalOptions(cel.OptOptimize))
	if err != nil {
		panic(err)
	}
	value, _, err := program.Eval(object)
	if err != nil {
		return false, err
	}
	return value == types.True, nil
}

// As argo-cd/util/lua: the object is `obj`, of the libraries only these, the result a table.
func argo(script string, object map[string]any) string {
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	for _, open := range []lua.LGFunction{lua.OpenBase, lua.OpenTable, lua.OpenString} {
		state.Push(state.NewFunction(open))
		state.Call(0, 0)
	}
	state.SetGlobal("obj", valueOf(state, object))
	if err := state.DoString(script); err != nil {
		panic(err)
	}
	result, ok := state.Get(-1).(*lua.LTable)
	if !ok {
		panic(fmt.Sprintf("no table: %v", state.Get(-1)))
	}
	return result.RawGetString("status").String()
}

func valueOf(state *lua.LState, value any) lua.LValue {
	switch value := value.(type) {
	case map[string]any:
		table := state.NewTable()
		for name, each := range value {
			table.RawSetString(name, valueOf(state, each))
		}
		return table
	case []any:
		table := state.NewTable()
		for _, each := range value {
			table.Append(valueOf(state, each))
		}
		return table
	case string:
		return lua.LString(value)
	case float64:
		return lua.LNumber(value)
	case bool:
		return lua.LBool(value)
	}
	return lua.LNil
}
