// Handover: one daemon takes the place of another while kubelet calls all the time.
package main

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// handover mounts all volumes again and again, from many callers on one connection and from one caller that connects
// anew each time, until the harness has done what it wants to do. Not one Mount may fail. An attempt that was cut off
// without an answer may be repeated, as the driver's retry policy has it.
func handover(s *session) error {
	all, err := requests(s.options)
	if err != nil {
		return err
	}
	s.wire.mayRepeat = true
	var (
		group    sync.WaitGroup
		mounts   int64
		failures = make(chan error, s.callers+1)
		stop     = make(chan struct{})
	)
	repeat := func(first int, mount func(int) error) {
		defer group.Done()
		for turn := first; ; turn++ {
			select {
			case <-stop:
				return
			default:
			}
			if err := mount(turn % len(all)); err != nil {
				failures <- fmt.Errorf("volume %d: %v", turn%len(all), err)
				return
			}
			atomic.AddInt64(&mounts, 1)
		}
	}
	group.Add(s.callers + 1)
	for caller := 0; caller < s.callers; caller++ {
		go repeat(caller*len(all)/s.callers, func(volume int) error {
			_, err := s.mountInTime(all[volume])
			return err
		})
	}
	go repeat(0, func(volume int) error {
		fresh, err := dial(s.socket, s.authority)
		if err != nil {
			return err
		}
		defer fresh.Close()
		_, err = (&session{s.options, fresh, s.answers}).mountInTime(all[volume])
		return err
	})
	// Everybody has begun, or has failed.
	for atomic.LoadInt64(&mounts) < int64(10*s.callers) && len(failures) == 0 {
		time.Sleep(time.Millisecond)
	}
	asked := s.ask("handover")
	close(stop)
	group.Wait()
	close(failures)
	for err := range failures {
		return err
	}
	fmt.Printf("mounted %d times; the shared channel made %d connections\n", mounts, s.wire.connectionCount())
	return asked
}
