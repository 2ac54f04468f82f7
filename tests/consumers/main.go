// Command consumers fetches from a Git server over ssh with nothing but the values of one Secret, each Secret read by
// the code that its consumer runs. The tests build it and tell it which consumer it shall be.
//
//	consumers PROFILE FOLDER URL      the Secret's values are files of FOLDER; of Argo CD, whose Secret has the url,
//	                                  FOLDER/../ssh_known_hosts stands for the file of its ConfigMap
//
// It prints the commit that HEAD or main names at the server. What went wrong is said on stderr, with status 1.
package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/fluxcd/pkg/git"
	"github.com/fluxcd/pkg/git/gogit"
	"github.com/fluxcd/pkg/git/repository"
	extgogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing/transport"
	gitssh "github.com/go-git/go-git/v5/plumbing/transport/ssh"
	"github.com/go-git/go-git/v5/storage/memory"
	skeema "github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

type consumer func(folder string, address *url.URL) (string, error)

var consumers = map[string]consumer{
	"SSHAuth":          plainSSH,
	"GitSync":          goGit,
	"Flux":             flux,
	"ArgoCDRepository": argoCD,
}

func main() {
	if len(os.Args) != 4 || consumers[os.Args[1]] == nil {
		fail(fmt.Errorf("usage: consumers SSHAuth|GitSync|Flux|ArgoCDRepository FOLDER URL"))
	}
	address, err := url.Parse(os.Args[3])
	if err != nil {
		fail(err)
	}
	commit, err := consumers[os.Args[1]](os.Args[2], address)
	if err != nil {
		fail(err)
	}
	fmt.Println(commit)
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// plainSSH is any Go program that was given a kubernetes.io/ssh-auth Secret.
func plainSSH(folder string, address *url.URL) (string, error) {
	file, err := os.ReadFile(filepath.Join(folder, "ssh-privatekey"))
	if err != nil {
		return "", err
	}
	signer, err := ssh.ParsePrivateKey(file)
	if err != nil {
		return "", err
	}
	known, err := knownhosts.New(filepath.Join(folder, "known_hosts"))
	if err != nil {
		return "", err
	}
	client, err := ssh.Dial("tcp", address.Host, &ssh.ClientConfig{
		User:            address.User.Username(),
		Auth:            []ssh.AuthMethod{ssh.PublicKeys(signer)},
		HostKeyCallback: known,
	})
	if err != nil {
		return "", err
	}
	defer client.Close()
	return head(client, address.Path)
}

// head asks git-upload-pack itself: its first line is four digits of length, then the commit of HEAD.
func head(client *ssh.Client, path string) (string, error) {
	session, err := client.NewSession()
	if err != nil {
		return "", err
	}
	defer session.Close()
	answer, err := session.StdoutPipe()
	if err != nil {
		return "", err
	}
	session.Stdin = strings.NewReader("0000")
	if err := session.Start("git-upload-pack '" + path + "'"); err != nil {
		return "", err
	}
	all, err := io.ReadAll(answer)
	if err != nil {
		return "", err
	}
	if len(all) < 44 {
		return "", fmt.Errorf("git-upload-pack said only %q", all)
	}
	return string(all[4:44]), session.Wait()
}

// goGit is a Go program that reads what git-sync mounts.
func goGit(folder string, address *url.URL) (string, error) {
	auth, err := gitssh.NewPublicKeysFromFile(address.User.Username(), filepath.Join(folder, "ssh"), "")
	if err != nil {
		return "", err
	}
	auth.HostKeyCallback, err = gitssh.NewKnownHostsCallback(filepath.Join(folder, "known_hosts"))
	if err != nil {
		return "", err
	}
	return listed(auth, address.String())
}

// flux does what source-controller does for a GitRepository with spec.secretRef.
func flux(folder string, address *url.URL) (string, error) {
	data, err := values(folder)
	if err != nil {
		return "", err
	}
	options, err := git.NewAuthOptions(*address, data)
	if err != nil {
		return "", err
	}
	client, err := gogit.NewClient(folder, options, gogit.WithMemoryStorage())
	if err != nil {
		return "", err
	}
	defer client.Close()
	commit, err := client.Clone(context.Background(), address.String(), repository.CloneConfig{
		CheckoutStrategy: repository.CheckoutStrategy{Branch: "main"},
	})
	if err != nil {
		return "", err
	}
	return commit.Hash.String(), nil
}

// argoCD keeps to the contract of a repository Secret: url, type and sshPrivateKey, the user in the url, host keys from
// elsewhere; and to the two libraries that Argo CD hands them to.
func argoCD(folder string, _ *url.URL) (string, error) {
	data, err := values(folder)
	if err != nil {
		return "", err
	}
	if string(data["type"]) != "git" {
		return "", fmt.Errorf("the repository's type is %q", data["type"])
	}
	address, err := url.Parse(string(data["url"]))
	if err != nil {
		return "", err
	}
	signer, err := ssh.ParsePrivateKey(data["sshPrivateKey"])
	if err != nil {
		return "", err
	}
	known, err := skeema.NewDB(filepath.Join(folder, "..", "ssh_known_hosts"))
	if err != nil {
		return "", err
	}
	auth := &gitssh.PublicKeys{User: address.User.Username(), Signer: signer}
	auth.HostKeyCallback = known.HostKeyCallback()
	auth.HostKeyAlgorithms = known.HostKeyAlgorithms(address.Host)
	return listed(auth, address.String())
}

// listed is `git ls-remote`.
func listed(auth transport.AuthMethod, address string) (string, error) {
	remote := extgogit.NewRemote(memory.NewStorage(), &config.RemoteConfig{Name: "origin", URLs: []string{address}})
	references, err := remote.List(&extgogit.ListOptions{Auth: auth})
	if err != nil {
		return "", err
	}
	for _, one := range references {
		if one.Name() == "refs/heads/main" {
			return one.Hash().String(), nil
		}
	}
	return "", fmt.Errorf("no branch main among %d references", len(references))
}

// values returns the files of a folder by name, as a Secret's data.
func values(folder string) (map[string][]byte, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	data := map[string][]byte{}
	for _, entry := range entries {
		if data[entry.Name()], err = os.ReadFile(filepath.Join(folder, entry.Name())); err != nil {
			return nil, err
		}
	}
	return data, nil
}
