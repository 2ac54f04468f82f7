// Command kmsplugin is a KMS v2 plugin on a unix socket, served by Kubernetes' own code for plugins. The tests build it,
// and tell it while it runs what to be: slow, unhealthy, refusing, or under another key.
//
//	kmsplugin SOCKET FOLDER
//
// FOLDER/seed holds what all keys are made of, so that a plugin that is started again has the same keys. FOLDER/control.json
// is read at every call. A line for every call is appended to FOLDER/calls.jsonl, without any plaintext.
package main

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"k8s.io/kms/pkg/service"
)

// The nonce lies in an annotation and nowhere else: who does not hand annotations back decrypts nothing.
const nonceAnnotation = "nonce.kmsplugin.test"

type control struct {
	// Key is the id of the key that encrypts from now on.
	Key string `json:"key"`
	// Lost keys decrypt nothing any more.
	Lost []string `json:"lost"`
	// DelayMilliseconds passes before each answer.
	DelayMilliseconds int `json:"delayMilliseconds"`
	// Healthz is what Status says; empty means ok.
	Healthz string `json:"healthz"`
	// Refuse is the gRPC code of all answers but Status; 0 means none.
	Refuse uint32 `json:"refuse"`
	// Garble makes Decrypt answer with another plaintext.
	Garble bool `json:"garble"`
	// Version is what Status says; empty means v2.
	Version string `json:"version"`
}

type call struct {
	Call        string   `json:"call"`
	UID         string   `json:"uid,omitempty"`
	KeyID       string   `json:"keyId,omitempty"`
	Annotations []string `json:"annotations,omitempty"`
}

type plugin struct {
	folder string
	seed   []byte
	lock   sync.Mutex
}

func main() {
	if len(os.Args) != 3 {
		fail(errors.New("usage: kmsplugin SOCKET FOLDER"))
	}
	seed, err := os.ReadFile(filepath.Join(os.Args[2], "seed"))
	if err != nil {
		fail(err)
	}
	_ = os.Remove(os.Args[1]) // what a killed plugin has left
	server := service.NewGRPCService(os.Args[1], 5*time.Second, &plugin{folder: os.Args[2], seed: seed})
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		<-stop
		server.Close()
	}()
	if err := server.ListenAndServe(); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func (p *plugin) Status(_ context.Context) (*service.StatusResponse, error) {
	now, err := p.take(call{Call: "Status"})
	if err != nil {
		return nil, err
	}
	return &service.StatusResponse{Version: or(now.Version, "v2"), Healthz: or(now.Healthz, "ok"), KeyID: now.Key}, nil
}

func (p *plugin) Encrypt(_ context.Context, uid string, data []byte) (*service.EncryptResponse, error) {
	now, err := p.take(call{Call: "Encrypt", UID: uid})
	if err != nil {
		return nil, err
	}
	if now.Refuse != 0 {
		return nil, status.Error(codes.Code(now.Refuse), "told to refuse")
	}
	nonce := make([]byte, 12)
	if _, err := rand.Read(nonce); err != nil {
		return nil, err
	}
	sealed := p.cipher(now.Key).Seal(nil, nonce, data, nil)
	annotations := map[string][]byte{nonceAnnotation: nonce, "empty.kmsplugin.test": {}}
	return &service.EncryptResponse{Ciphertext: sealed, KeyID: now.Key, Annotations: annotations}, nil
}

func (p *plugin) Decrypt(_ context.Context, uid string, req *service.DecryptRequest) ([]byte, error) {
	made := call{Call: "Decrypt", UID: uid, KeyID: req.KeyID}
	for name := range req.Annotations {
		made.Annotations = append(made.Annotations, name)
	}
	now, err := p.take(made)
	if err != nil {
		return nil, err
	}
	if now.Refuse != 0 {
		return nil, status.Error(codes.Code(now.Refuse), "told to refuse")
	}
	for _, lost := range now.Lost {
		if lost == req.KeyID {
			return nil, status.Error(codes.NotFound, "no such key")
		}
	}
	if now.Garble {
		return []byte("something else"), nil
	}
	nonce := req.Annotations[nonceAnnotation]
	if len(nonce) != 12 {
		return nil, status.Error(codes.InvalidArgument, "the nonce was not handed back")
	}
	opened, err := p.cipher(req.KeyID).Open(nil, nonce, req.Ciphertext, nil)
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, "the ciphertext does not open")
	}
	return opened, nil
}

func (p *plugin) take(made call) (control, error) {
	p.lock.Lock()
	defer p.lock.Unlock()
	var now control
	text, err := os.ReadFile(filepath.Join(p.folder, "control.json"))
	if err == nil {
		err = json.Unmarshal(text, &now)
	}
	if err != nil {
		return now, err
	}
	line, err := json.Marshal(made)
	if err != nil {
		return now, err
	}
	calls, err := os.OpenFile(filepath.Join(p.folder, "calls.jsonl"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return now, err
	}
	defer calls.Close()
	if _, err := calls.Write(append(line, '\n')); err != nil {
		return now, err
	}
	time.Sleep(time.Duration(now.DelayMilliseconds) * time.Millisecond)
	return now, nil
}

func (p *plugin) cipher(keyID string) cipher.AEAD {
	key := sha256.Sum256(append([]byte(keyID+"\n"), p.seed...))
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err)
	}
	sealing, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return sealing
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
