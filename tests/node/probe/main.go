// Command probe is what the tests run in a pod to see whether the node is a real one. Without arguments it serves HTTP;
// with them it looks at the world from inside: a name's address, a URL's answer, its own confinement.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
)

func main() {
	var err error
	switch {
	case len(os.Args) == 1:
		err = serve()
	case os.Args[1] == "lookup":
		err = lookup(os.Args[2])
	case os.Args[1] == "get":
		err = get(os.Args[2])
	case os.Args[1] == "confinement":
		err = confinement()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve() error {
	fmt.Println("probe: serving")
	return http.ListenAndServe(":8080", http.HandlerFunc(func(writer http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(writer, "here")
	}))
}

func lookup(name string) error {
	found, err := net.LookupHost(name)
	fmt.Print(strings.Join(found, " "))
	return err
}

func get(url string) error {
	answer, err := http.Get(url)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, err = io.Copy(os.Stdout, answer.Body)
	return err
}

// What /proc tells of this process, in its own words, and whether the root file system takes a file.
func confinement() error {
	status, err := os.ReadFile("/proc/self/status")
	fmt.Print(string(status))
	if os.WriteFile("/written", nil, 0o600) == nil {
		fmt.Println("Root:\twritable")
	}
	return err
}
