package guarantee

// Promises is what Purser promises, in the order of the document.
var Promises = []Promise{
	{
		ID:   "all-or-nothing",
		Says: "A provision is customer, decision, subscription, timers and events, or it is nothing.",
		Tests: []string{
			"test/property.TestRefusedProvisionLeavesNothing", "internal/store.TestTransactionsEnd", "internal/store.TestQueuedStatements",
			"internal/store.TestConnectionLostInsideAWrite",
		},
	},
	{
		ID:   "repeat",
		Says: "An equal request is answered with the same customer; the same Idempotency-Key with the stored answer, for 24 hours; another request for a taken id is told which fields differ.",
		Tests: []string{
			"internal/app/apitest.TestScenario12Repeat", "internal/app/apitest.TestIdempotencyKey", "internal/app/apitest.TestIdempotencyKeyEnds",
			"internal/app/apitest.TestFingerprint", "internal/store.TestOnce", "internal/store.TestOnceOnTwoNodes",
		},
	},
	{
		ID:    "race",
		Says:  "Of 2,000 equal requests at once one makes the customer, and all get the same answer.",
		Tests: []string{"internal/app/apitest.TestManyEqualProvisions", "internal/store.TestProvisionIsSafeToRepeatAndToRace"},
	},
	{
		ID:    "kill-nine",
		Says:  "After kill -9 under load every customer that was answered is there: whole, once, and in the feed. What was cut off is there whole or not at all.",
		Tests: []string{"test/e2e.TestSlowKillNine", "test/e2e.TestSlowKillNineOfOneOfTwoNodes"},
	},
	{
		ID:   "usage-kill-nine",
		Says: "After kill -9 under load every usage report, consumption and raw event that was acknowledged has counted, and sent again under its key it counts once; counters are what was reported adds up to.",
		Tests: []string{
			"test/e2e.TestSlowKillNineOfUsage", "test/e2e.TestSlowKillNineOfUsageOnTwoNodes", "internal/store.TestVerifyFindsDamagedUsage",
			"internal/app/apitest.TestUsageReportsAreRecordedOnce", "internal/app/apitest.TestRawEventsAreCounted",
		},
	},
	{
		ID:   "usage-race",
		Says: "Racing reports of usage add up exactly, on one node or several, also while a change of the plan sets usage back; of callers that race for the last units exactly as many are admitted as there are units.",
		Tests: []string{
			"internal/app/apitest.TestUsageOf64WritersAddsUp", "internal/app/apitest.TestFirstReportsAtOnce",
			"internal/app/apitest.TestOneKeyOf16CallersCountsOnce", "internal/app/apitest.TestReportsWhileThePlanResetsUsage",
			"internal/app/apitest.TestConsumeAdmitsExactlyTheLimit",
		},
	},
	{
		ID:    "durable",
		Says:  "Nothing is acknowledged before it is on disk (SQLite; PostgreSQL as it is configured).",
		Tests: []string{"test/e2e.TestSlowDurableBeforeTheAnswer", "internal/store.TestSQLiteSettings"},
	},
	{
		ID:    "group",
		Says:  "Writes that wait at the same time share one commit of SQLite and its flush.",
		Tests: []string{"test/e2e.TestSlowSharedFlush", "internal/store.TestGroupIsOneCommit", "internal/store.TestGroupLimits"},
	},
	{
		ID:   "neighbours",
		Says: "Nobody in a shared commit is harmed by a neighbour that is refused, panics, leaves or times out; a full disk undoes nobody who is answered with success.",
		Tests: []string{
			"internal/store.TestGroupFailuresHarmNoNeighbour", "internal/store.TestGroupCancelledInsideInterruptsNobody",
			"internal/store.TestGroupCancelledWhileQueued", "internal/store.TestGroupRefusalWaitsForCommit",
			"internal/store.TestGroupOnAFullDisk", "internal/store.TestGroupDecidesAgainAfterAnUndoneGroup",
		},
	},
	{
		ID:    "lost-commit",
		Says:  "When the answer to a COMMIT of PostgreSQL is lost, its outcome is found out; nothing is run twice.",
		Tests: []string{"internal/store.TestCommitWhoseAnswerIsLost", "internal/store.TestCommitThatNeverArrives", "internal/store.TestCommitOutlivesItsCaller"},
	},
	{
		ID:   "feed",
		Says: "Who has read the feed up to a position misses nothing before it, sees every entity's versions in order, and the same on every node; who cannot go on is told.",
		Tests: []string{
			"test/property.TestFeedOverHTTPWhileSixteenWrite", "internal/store.TestFeedWhileSixteenWrite", "internal/store.TestFeedOfANodeThatStarts",
			"internal/store.TestFeedInsideASnapshot", "internal/store.TestRestoredFeedIsAnotherGeneration", "test/e2e.TestBackupAndRestore",
			"test/e2e.TestRestoredPostgres",
		},
	},
	{
		ID:   "interleavings",
		Says: "No interleaving of provisions, archivings, updates, changes of the journey and clock moves breaks a scope rule, loses an event or leaves a timer wrong.",
		Tests: []string{
			"test/property.TestInterleavings", "test/property.TestSlowInterleavings", "internal/store.TestVerifyFindsDamage",
			"internal/store.TestVerifyFindsNothingInAHealthyDatabase",
		},
	},
	{
		ID:   "clock",
		Says: "A test clock only moves forward, one move at a time, and what falls due happens in order, at its due time.",
		Tests: []string{
			"internal/store.TestLongClockMove", "internal/store.TestOneClockMoveAtATime", "internal/app/apitest.TestClockMovesForwardOnly",
			"internal/app/apitest.TestClockMoveSettlesInOrder", "internal/app/apitest.TestReturnToRealTimeSettles",
			"internal/app/apitest.TestProductionHasNoTestClock",
		},
	},
	{
		ID:   "settled",
		Says: "A read shows what is due as done, and an ended trial grants nothing, whether or not a job has run.",
		Tests: []string{
			"internal/store.TestReadsShowTheSettledState", "internal/app/apitest.TestReadsShowTheSettledState",
			"internal/app/apitest.TestTrialEndDeniesAtOnce", "internal/store.TestJobSettlesWhomNobodyAsksFor",
		},
	},
	{
		ID:    "no-sql",
		Says:  "A check that hits the cache asks no database and allocates nothing; a writer's next check sees what it wrote.",
		Tests: []string{"internal/core/entitlement.TestHitsTouchNoSQL", "internal/core/entitlement.TestHitsAllocateNothing", "internal/core/entitlement.TestWritersReadWhatTheyWrote"},
	},
	{
		ID:    "client-keys",
		Says:  "A client key reads no customer's data in production, and writes nothing anywhere.",
		Tests: []string{"internal/app/apitest.TestClientKey", "internal/api/auth.TestAllow", "internal/app.TestAnswers"},
	},
	{
		ID:   "personal",
		Says: "No name, email, metadata or key is in an event or in a log line; archiving erases what is personal.",
		Tests: []string{
			"test/e2e.TestNothingPersonalIsLoggedOrTold", "internal/app/apitest.TestFeedHoldsNothingPersonal",
			"internal/core/provisioning.TestFingerprintTellsNothing", "internal/store.TestArchiveAndUnarchive",
		},
	},
	{
		ID:    "environments",
		Says:  "Environments share nothing: no row, id, key, event, position in a list or clock of one is seen from another.",
		Tests: []string{"internal/app/apitest.TestEnvironmentsAreApart", "internal/app/apitest.TestSameIDsInTwoEnvironments", "internal/app/apitest.TestForeignIDs", "test/property.TestFeedOverHTTPWhileSixteenWrite"},
	},
	{
		ID:   "shutdown",
		Says: "On SIGTERM every accepted request is answered, nothing is done without an answer, and the process ends within 20 s.",
		Tests: []string{
			"test/e2e.TestShutdownAnswersSixtyFourInFlight", "test/e2e.TestShutdownUnderLoad",
			"internal/app.TestRequestsOfClosedConnectionsAreLeftUndone", "internal/app.TestShutdownEndsReadersOfTheFeed",
		},
	},
	{
		ID:   "one-process",
		Says: "A second process never writes to a data directory in use; commands reach the data through the server that runs, or without one.",
		Tests: []string{
			"test/e2e.TestOneServerPerDirectory", "test/e2e.TestCommandsBesideAndWithoutAServer", "internal/app.TestOneProcessPerDirectory",
			"internal/store.TestRestoreRefusesADatabaseInUse",
		},
	},
	{
		ID:   "errors",
		Says: "Bad input gets one answer that names every bad field, never a 5xx; ignored fields are named in a header.",
		Tests: []string{
			"internal/app/apitest.TestAllBadFieldsAtOnce", "internal/app/apitest.TestBadProvision", "internal/app/apitest.TestUnknownMembers",
			"internal/api/rest.TestBadBodies", "internal/app/apitest.FuzzProvisionBody", "internal/app/apitest.FuzzCursor",
		},
	},
}
