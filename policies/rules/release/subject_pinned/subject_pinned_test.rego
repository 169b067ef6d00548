package rules.release.subject_pinned_test

import data.rules.release.subject_pinned

_digest := sprintf("sha256:%064d", [7])

test_pinned_artifacts_pass if {
	count(subject_pinned.block) == 0 with input.release.subjects as [{"name": "app", "digest": _digest}]
}

test_no_artifact_blocks if {
	some finding in subject_pinned.block with input.release.subjects as []
	finding.msg == "the release names no artifact"
}

test_other_digest_blocks if {
	some digest in ["sha256:12", "sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709", "", upper(_digest)]
	some finding in subject_pinned.block with input.release.subjects as [{"name": "app", "digest": digest}]
	finding.id == "app"
}

test_each_artifact_is_judged if {
	subjects := [{"name": "app", "digest": _digest}, {"name": "web", "digest": "latest"}]
	{f.id | some f in subject_pinned.block} == {"web"} with input.release.subjects as subjects
}
