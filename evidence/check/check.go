// Package check reads how named checks ended: those of a platform, and commands that were run.
package check
