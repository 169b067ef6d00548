package evidence

// The limits that hold for every reader. A report over a limit is refused: cutting one off could hide a failure.
const (
	// MaxReportBytes is the size of one report, unpacked.
	MaxReportBytes = 512 << 20
	// MaxPackedRatio is how many times larger than its file a compressed report may become, beyond MaxPackedFree.
	MaxPackedRatio = 100
	// MaxPackedFree is what a compressed report may unpack to whatever the ratio.
	MaxPackedFree = 1 << 20
	// MaxDepth is how deep JSON values and XML elements may nest.
	MaxDepth = 100
	// MaxElements is how many XML elements or JSON values of interest one report may hold.
	MaxElements = 20_000_000
	// MaxRows is how many rows (tests, files, findings, components) one report may give.
	MaxRows = 1_000_000
	// MaxSeries is how many series of samples one report may give: a row of one is large, and nobody reads so many.
	MaxSeries = 200_000
	// MaxLines is how many lines one coverage report may have, each as often as it is there, and MaxBlocks how many blocks of Go.
	MaxLines  = 4_000_000
	MaxBlocks = 2_000_000
	// MaxKept is how many bytes of text a reader may hold on to while it waits for something later in the report.
	MaxKept = 128 << 20
	// MaxToken is the size of one JSON string or number or one XML tag, in bytes. Text between XML tags has no limit
	// of its own: it is read in pieces.
	MaxToken = 16 << 20
	// MaxName is the size of a text that identifies something: a test, a rule, a package, a path.
	MaxName = 16 << 10
	// MaxMessage is where text for people (messages, titles, justifications) is cut off, in bytes.
	MaxMessage = 1 << 10
	// MaxAttributes is how many attributes one XML element may have.
	MaxAttributes = 256
	// MaxWarnings is how many warnings of one code are kept; the rest are only counted.
	MaxWarnings = 20
	// MaxList is how many aliases or licences one row may have.
	MaxList = 200
	// HeadBytes is how much of a report is looked at to recognise its format.
	HeadBytes = 64 << 10
)
