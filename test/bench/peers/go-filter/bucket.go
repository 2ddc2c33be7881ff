package main

import (
	"encoding/binary"
	"math"
	"time"
)

// A token bucket that all VMs of the process share. Each takes a hundredth of a second's tokens at a time, so that most
// requests need no shared data.
type bucket struct {
	key               string
	perSecond, leased float64
}

func newBucket(task task) *bucket {
	return &bucket{key: "bucket/" + task.Taskid, perSecond: task.RequestsPerSecond}
}

// May a request pass?
func (b *bucket) take(now time.Duration) bool {
	if b.leased < 1 {
		b.leased += b.lease(now.Seconds())
	}
	if b.leased < 1 {
		return false
	}
	b.leased--
	return true
}

// Its value in shared data: tokens, and when there were as many, in seconds since 1970.
func (b *bucket) lease(now float64) float64 {
	for {
		value, version := getShared(b.key)
		tokens, since := b.perSecond, now
		if len(value) == 16 {
			tokens, since = float64At(value), float64At(value[8:])
		}
		tokens = min(tokens+max(now-since, 0)*b.perSecond, max(b.perSecond, 1))
		lease := min(math.Floor(tokens), math.Ceil(b.perSecond/100))
		if lease < 1 {
			return 0
		}
		rest := binary.LittleEndian.AppendUint64(nil, math.Float64bits(tokens-lease))
		rest = binary.LittleEndian.AppendUint64(rest, math.Float64bits(max(now, since)))
		if setShared(b.key, rest, version) {
			return lease
		}
	}
}

func float64At(bytes []byte) float64 {
	return math.Float64frombits(binary.LittleEndian.Uint64(bytes))
}
