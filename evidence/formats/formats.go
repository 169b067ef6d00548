// Package formats lists every report format and recognises a report by its content.
package formats

import "cdgate.dev/cdgate/evidence"

// All returns every format, in the order of the table in evidence/README.md.
func All() []evidence.Format { return nil }
