package seal

// Limits on what Open and InspectUnsafe look at; a bundle beyond them is malformed.
const (
	// MaxBundle is the size of a bundle in bytes, judged before anything else is done with it.
	MaxBundle = 64 << 20
	// MaxSubjects is how many subjects a decision record, or an attestation of another tool, may have.
	MaxSubjects = 4096
	// MaxKeyFile is the size of a key file in bytes.
	MaxKeyFile = 64 << 10
	// MaxRoots is the size of a trusted root in bytes.
	MaxRoots = 1 << 20
	// MaxWitnesses is how many timestamps, and how many log entries, a bundle may have.
	MaxWitnesses = 8
)
