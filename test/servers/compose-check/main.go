// Command compose-check validates a Compose file with the library that Docker Compose itself uses and prints the
// resolved project as JSON, so that a test needs no Docker.
//
// Usage: compose-check DIRECTORY FILE
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/compose-spec/compose-go/v2/cli"
)

func main() {
	if len(os.Args) != 3 {
		fail("expected two arguments: the project directory and the Compose file", nil)
	}
	options, err := cli.NewProjectOptions(
		[]string{os.Args[2]},
		cli.WithWorkingDirectory(os.Args[1]),
		cli.WithName("ocp-pipeline-check"),
		// The test decides which variables there are.
		cli.WithOsEnv,
		// Profiles are included, so that a mistake in an optional service is found too.
		cli.WithProfiles([]string{"*"}),
		cli.WithInterpolation(true),
		cli.WithResolvedPaths(true),
		cli.WithNormalization(true),
		cli.WithConsistency(true),
	)
	if err != nil {
		fail("the options were refused", err)
	}
	project, err := options.LoadProject(context.Background())
	if err != nil {
		fail(os.Args[2]+" is not a valid Compose file", err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(project); err != nil {
		fail("the project could not be printed", err)
	}
}

func fail(what string, err error) {
	if err != nil {
		what = fmt.Sprintf("%s: %v", what, err)
	}
	fmt.Fprintln(os.Stderr, "compose-check: "+what)
	os.Exit(1)
}
