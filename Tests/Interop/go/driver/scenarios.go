// The scenarios: what the driver, kubelet and the node do to a provider.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// scenarios are the subcommands.
var scenarios = map[string]func(*session) error{
	"version": (*session).version, "mount": mount, "republish": republish, "refused": refused, "large": large,
	"concurrent": concurrent, "deadline": deadline, "cancel": cancelled, "reconnect": reconnect, "restart": restart,
	"drain": drain, "handover": handover,
}

// mount: every volume is mounted once.
func mount(s *session) error {
	all, err := requests(s.options)
	for _, request := range all {
		if err == nil {
			_, err = s.mountInTime(request)
		}
	}
	return err
}

// republish: kubelet's repetition gets the same bytes.
func republish(s *session) error {
	all, err := requests(s.options)
	if err != nil {
		return err
	}
	first, err := s.mountInTime(all[0])
	if err != nil {
		return err
	}
	for repetition := 0; repetition < 3; repetition++ {
		again, err := s.mountInTime(all[0])
		if err != nil {
			return err
		}
		if !bytes.Equal(first, again) {
			return errors.New("the repetition got other bytes")
		}
	}
	return nil
}

// refused: the provider says no, in the way that kubelet and the user can use. A Trailers-Only answer is the form that
// the driver's retry policy sees through.
func refused(s *session) error {
	all, err := requests(s.options)
	if err != nil {
		return err
	}
	for _, request := range all {
		err := s.refusal(request)
		if err := checkRefusal(err, s.options); err != nil {
			return err
		}
		fmt.Println("refused " + describe(err))
	}
	if s.wire.headerCount() > 0 {
		return errors.New("the refusal is not Trailers-Only")
	}
	return s.version()
}

// large: a request that is too large is refused, and the connection is still good.
func large(s *session) error {
	all, err := requests(s.options)
	if err != nil {
		return err
	}
	request, err := padded(all[0], s.size)
	if err != nil {
		return err
	}
	err = s.refusal(request)
	if err := checkRefusal(err, s.options); err != nil {
		return err
	}
	fmt.Println("refused " + describe(err))
	return s.versionOnOneConnection()
}

// concurrent: many Pods start at once. Equal requests get equal bytes, whoever was first.
func concurrent(s *session) error {
	all, err := requests(s.options)
	if err != nil {
		return err
	}
	answers, failures := make([][]byte, s.callers), make([]error, s.callers)
	var group sync.WaitGroup
	for caller := range answers {
		group.Add(1)
		go func(caller int) {
			defer group.Done()
			answers[caller], failures[caller] = s.mountInTime(all[caller%len(all)])
		}(caller)
	}
	group.Wait()
	for caller := range answers {
		if failures[caller] != nil {
			return fmt.Errorf("caller %d: %v", caller, failures[caller])
		}
		if !bytes.Equal(answers[caller], answers[caller%len(all)]) {
			return fmt.Errorf("caller %d got other bytes than caller %d, who asked the same", caller, caller%len(all))
		}
	}
	return s.versionOnOneConnection()
}

// deadline: the caller's deadline passes in mid-call. The caller sees it, or the provider's own answer just before.
func deadline(s *session) error {
	all, err := requests(s.options)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.deadline)
	defer cancel()
	_, err = s.provider.Mount(ctx, all[0])
	if s.expectCode == "" {
		s.expectCode = "DEADLINE_EXCEEDED"
	}
	if err := checkExpected(err, s.options); err != nil {
		return err
	}
	if err := s.ask("ended"); err != nil {
		return err
	}
	return s.versionOnOneConnection()
}

// cancelled: the caller goes away in mid-call.
func cancelled(s *session) error {
	all, err := requests(s.options)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.timeout)
	defer cancel()
	result := make(chan error, 1)
	go func() {
		_, err := s.provider.Mount(ctx, all[0])
		result <- err
	}()
	if err := s.ask("arrived"); err != nil {
		return err
	}
	cancel()
	if err := <-result; status.Code(err) != codes.Canceled {
		return fmt.Errorf("a cancelled call ended with %s", describe(err))
	}
	if err := s.ask("ended"); err != nil {
		return err
	}
	return s.versionOnOneConnection()
}

// reconnect: the connection under an idle channel breaks, and the next call makes a new one.
func reconnect(s *session) error {
	for round := 1; round <= 3; round++ {
		if err := mount(s); err != nil {
			return err
		}
		if made := s.wire.connectionCount(); made != round {
			return fmt.Errorf("round %d used %d connections", round, made)
		}
		s.wire.closeConnections()
		if err := s.wire.waitUntilClosed(round, s.timeout); err != nil {
			return err
		}
	}
	return mount(s)
}

// restart: the provider goes away under the driver's cached client, a call comes in meanwhile, the provider is back.
func restart(s *session) error {
	if err := mount(s); err != nil {
		return err
	}
	if err := s.ask("stop"); err != nil {
		return err
	}
	if err := s.wire.waitUntilClosed(1, s.timeout); err != nil {
		return err
	}
	result := make(chan error, 1)
	go func() { result <- mount(s) }()
	select {
	case err := <-result:
		return fmt.Errorf("a call to nobody ended: %v", err)
	case <-time.After(200 * time.Millisecond):
	}
	if err := s.ask("start"); err != nil {
		return err
	}
	return <-result
}

// drain: the provider is told to end while a call is in flight. The call still gets its answer.
func drain(s *session) error {
	result := make(chan error, 1)
	go func() { result <- mount(s) }()
	if err := s.ask("arrived"); err != nil {
		return err
	}
	if err := s.ask("drain"); err != nil {
		return err
	}
	return <-result
}

// versionOnOneConnection calls Version and fails when the channel had to connect anew since it was made.
func (s *session) versionOnOneConnection() error {
	if err := s.version(); err != nil {
		return err
	}
	if made := s.wire.connectionCount(); made != 1 {
		return fmt.Errorf("the calls used %d connections", made)
	}
	return nil
}
