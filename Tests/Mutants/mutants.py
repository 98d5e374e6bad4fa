"""Small changes to decisions, each of which the tests have to notice.

A change is a place in a source file, with the expression or statement that changes between ‹ and ›, and what stands there
instead; an empty text leaves a statement out. The target and the suites that decide first follow from the file.
"""

GUARD = "CartAssociations/Guard.swift"
CHOICES = "CartAssociations/Choices.swift"
PLAN = "SyncEngine/Planning/PlannedRun.swift"
CLIENT = "CommerceAPI/Client/CommerceClient.swift"
TOKENS = "CommerceAPI/Client/CommerceClient+Tokens.swift"
LISTING = "CommerceAPI/Client/CommerceClient+Listing.swift"
ANSWERS = "CommerceAPI/Answers/ChangeAnswer.swift"
SAVED = "SyncEngine/SavedPlan/SavedPlanReader.swift"
WAITING = "SyncEngine/Approval/WaitingRun.swift"
EXECUTOR = "SyncEngine/Applying/Executor.swift"
DRAFT = "SyncEngine/Planning/DraftedPlan.swift"
DOUBT = "SyncEngine/Comparing/NamesInDoubt.swift"

MUTANTS = [
    # The guards.
    (GUARD, "if ‹deletes > maxDeletes› {", "deletes > maxDeletes + 1"),
    (GUARD, "guard ‹Double(deletes) > maxDeletesShare * Double(inScope)› else", "Double(deletes) >= maxDeletesShare * Double(inScope)"),
    (GUARD, "if ‹inScope >= smallScope› {", "inScope > smallScope"),
    (GUARD, "guard ‹deletes > smallScopeDeletes› else", "deletes >= smallScopeDeletes"),
    (GUARD, "if ‹plan.isSnapshot && plan.usable == 0 && !allowEmpty› {", "false"),
    (GUARD, "if ‹plan.deletes > approvedDeletes› {", "plan.deletes > approvedDeletes + 1"),
    (GUARD, "if ‹plan.ownersLosing >= minOwners›,", "plan.ownersLosing > minOwners"),
    (GUARD, ", ‹Double(plan.ownersLosing) > maxOwnersShare * Double(plan.ownersInScope)› {", "Double(plan.ownersLosing) >= maxOwnersShare * Double(plan.ownersInScope)"),
    (GUARD, "deletesSentence(‹before.deletes + plan.deletes›, of", "plan.deletes"),
    (GUARD, "least: ‹minAdoptedDeletes + 1›)", "minAdoptedDeletes + 2"),
    (GUARD, "exceeded(by: ‹owners.unknown›, of", "owners.unknown - 1"),
    (GUARD, "let rejected = ‹plan.rejected - (plan.owners?.rejected ?? 0)›", "plan.rejected"),
    (GUARD, "guard ‹Double(plan.records) < minVolumeShare * Double(median)› else", "Double(plan.records) <= minVolumeShare * Double(median)"),
    (GUARD, "‹left.deletes = deletes›\n", ""),
    ("CartAssociations/Limit.swift", "case .count(let allowed): ‹count > allowed›", "count >= allowed"),
    ("CartAssociations/Limit.swift", "‹count >= least› &&", "count > least"),
    # What may be deleted.
    (CHOICES, "case .owned: ‹isOwned›", "true"),
    (CHOICES, "if ‹isAssertedElsewhere› {", "false"),
    (CHOICES, "case .listed: ‹isOwned || isOwnerListed›", "isOwnerListed"),
    (CHOICES, "return ‹isInDoubt› ?", "false"),
    ("CartAssociations/Change.swift", "changedTheStore: Bool { ‹self == .created || self == .deleted› }", "isSuccess"),
    ("CartAssociations/RecordOrder.swift", "if ‹difference > 0› { rawValue", "difference > 1"),
    ("CartAssociations/Shard.swift", "return ‹hash % UInt64(count) == UInt64(index)›", "hash % UInt64(count) <= UInt64(index)"),
    (DRAFT, "let reason = ‹isComplete› ? doubt", "true"),
    (DRAFT, "allowed.map { ‹$0 >= doubtfulDeletes› }", "$0 + 1 >= doubtfulDeletes"),
    (DRAFT, "guard ‹isPair && change.withheld == nil› else", "false"),
    (DRAFT, "if ‹isAdopted && sources.contains(source)› { adoptedDeletes", "false"),
    (DOUBT, "if ‹part.hidesIdentifiers && everything == nil› {", "false"),
    (DOUBT, "guard everything == nil, ‹Double(bytes) > Self.largestShare * Double(total)› else", "false"),
    (DOUBT, "return ‹isOwnerInDoubt› ? sentence", "false"),
    (DOUBT, "if ‹found.contains(id)› { return Doubt", "false"),
    (DOUBT, "return hasName && ‹isNameInDoubt› &&", "false"),
    ("SyncEngine/Comparing/Comparison.swift", "conflict(association, ‹difference.contradictory.contains(position)›) ?? badName", "false"),
    ("SyncEngine/Comparing/Comparison.swift", "cart), ‹current.covers(stored.association.owner)› else", "true"),
    ("SyncEngine/Comparing/Comparison.swift", "let isListing = ‹current.source == .api && current.isComplete›", "current.source == .api"),
    # The pace.
    ("CallPacing/PaceCalculator.swift", "let slot = ‹max(onGrid, room, soonest)›", "max(onGrid, soonest)"),
    ("CallPacing/RecentCalls.swift", "static let window: Int64 = ‹1_000_050_000›", "950_000_000"),
    ("CallPacing/RecentCalls.swift", "guard ‹unanswered + answers.count + releases.count >= limit› else", "answers.count + releases.count >= limit"),
    ("CallPacing/OutageWatch.swift", "guard ‹last.hits >= Self.outage› else", "last.hits > Self.outage"),
    ("CallPacing/PaceControl.swift", "pace.pause(until: ‹until›)", "answeredAt"),
    ("CallPacing/PaceControl.swift", "pause = ‹min(asked, Self.longestPause)›", "asked"),
    ("CallPacing/PaceControl.swift", "‹pace.beginProbing(now: answeredAt)›\n", ""),
    ("CallPacing/RetryAfter.swift", "timeIntervalSince(‹answerDate.flatMap { Date(http: $0) } ?? now›)", "now"),
    ("CallPacing/RetryPolicy.swift", "guard ‹elapsed < total› else", "true"),
    ("CallPacing/RetryPolicy.swift", "guard ‹attemptsUsed < attempts› else", "attemptsUsed <= attempts"),
    ("CallPacing/RetryBudget.swift", "|| ‹Double(repetitions + 1) <= share * Double(calls)› else", "true"),
    ("CallPacing/StopRule.swift", "if ‹failedRow >= Self.rowLimit› {", "failedRow > Self.rowLimit"),
    ("CallPacing/StopRule.swift", ", ‹recentFailures * 2 >= Self.lookBack› {", "recentFailures * 2 > Self.lookBack"),
    ("CallPacing/StopRule.swift", "if !hadSuccess, ‹forbiddenRow >= Self.forbiddenLimit› {", "forbiddenRow > Self.forbiddenLimit"),
    ("CallPacing/StopRule.swift", "return ‹refused.count >= Self.tokenLimit› ||", "refused.count > Self.tokenLimit"),
    ("CallPacing/StopRule.swift", "return ‹unknown.count >= Self.unknownLimit› ?", "unknown.count > Self.unknownLimit"),
    ("CallPacing/AdaptiveRate.swift", "guard isTooMany, ‹sentAt > fell› else", "true"),
    ("CallPacing/AdaptiveRate.swift", "guard ‹now - fell > Self.quiet› else", "true"),
    ("CallPacing/AdaptiveRate.swift", "guard ‹sentAt > fell + Self.late›,", "true"),
    ("CallPacing/AdaptiveRate.swift", "‹isDeeper = true›\n", ""),
    ("CallPacing/AdaptiveRate.swift", "return ‹Double(lately.hits) > expected + Self.chance * expected.squareRoot()›", "true"),
    ("CallPacing/AdaptiveRate.swift", "if isRunning { rate = ‹min(rate, max(Double(through.count), rate / 4))› }", "rate"),
    ("CallPacing/StallGuard.swift", "most = ‹max(1, (most ?? outstanding) / 2)›", "(most ?? outstanding)"),
    ("CallPacing/RateSchedule.swift", "‹minute >= start || minute < end›", "minute >= start && minute < end"),
    ("CallPacing/RateSchedule.swift", "‹(start..<end).contains(minute)›", "(start...end).contains(minute)"),
    ("CallPacing/Turn.swift", "guard ‹!state.isTaken› else", "true"),
    # What an answer means.
    (ANSWERS, "(‹Self.names(owner, answer.body)› || (settings", "true"),
    (ANSWERS, "} else if ‹!names && status == 404› {", "false"),
    (ANSWERS, "if ‹names && settings.alreadyGone.contains(status)› {", "settings.alreadyGone.contains(status)"),
    (ANSWERS, "case 204:\n            guard ‹answer.body.isEmpty› else", "true"),
    (ANSWERS, "all the same.\n        case 404 where ‹!VendorErrors.areDocumented(answer.body)›:", "false"),
    ("CommerceAPI/Answers/Classification.swift", "self.init(‹concernsRecord ? .refused : .forbidden›, is", ".forbidden"),
    ("CommerceAPI/Answers/Classification.swift", "case 408, 409, 500...:\n            self.init(.serverError, isRepeatable: ‹true›)", "false"),
    ("CommerceAPI/Answers/Exchange.swift", "default: ‹answer.status >= 500›", "false"),
    ("CommerceAPI/Answers/Exchange.swift", "case .lost, .timeout, .tooLarge, .cancelled: ‹true›", "false"),
    ("CommerceAPI/Client/CommerceClient+Writes.swift", "result.isUncertain = ‹!outcome.isSuccess && call.isEffectUncertain›", "false"),
    # Tokens, secrets and rights.
    (TOKENS, "let token = state.token, ‹now < token.deadFrom›, token", "true"),
    (TOKENS, ", ‹token.number != refused› else", "true"),
    (TOKENS, "let renewal = ‹state.renewal ?? Task { await self.renew(issue) }›", "Task { await self.renew(issue) }"),
    (CLIENT, "tokens.usable(refused: ‹history.refusedToken›) {", "nil"),
    (CLIENT, "guard ‹!(options.readOnly && request.isWrite)› else", "true"),
    (CLIENT, "return ‹secrets.filter { $0.utf8.count >= 4 }›.reduce", "[]"),
    # Listings.
    (LISTING, "guard ‹seen.count == listing.total› else", "true"),
    (LISTING, "if let before = listing.total, ‹before != total› {", "false"),
    (LISTING, "guard ‹total <= reachableCarts› else", "true"),
    (LISTING, "whole.associations += listing.associations.filter { ‹$0.owner == owner› }", "true"),
    # The run.
    (EXECUTOR, "if ‹entry.change.kind == .delete && hasFailedCreate› {", "false"),
    (EXECUTOR, "case .create: ‹!listed.contains(change.association)›\n", "false"),
    (EXECUTOR, "let gone = ‹listing.isComplete› ?", "true"),
    (EXECUTOR, "if ‹looksUp && round == .first && executor.resumption != nil› && notes", "false"),
    ("SyncEngine/Applying/Resumption.swift", "if ‹isLedgerUnchanged || run.undone != nil› {", "true"),
    ("SyncEngine/Applying/Resumption.swift", "first(where: { ‹$0 != run.source› })", "false"),
    (PLAN, "‹try tools.ledger.appendPlan(plan.changes, at: tools.time.wall())› }", ""),
    (PLAN, "‹try ledger.updateRun(tools.run) { $0.state = .applying }›\n", ""),
    (PLAN, "if ‹!plan.isDelta› { try ledger.supersede", "false"),
    (PLAN, "‹try ledger.unconfirm(notes.vanished)›\n", ""),
    (PLAN, "‹try ledger.retract(notes.retractions, source: source)›\n", ""),
    ("SyncEngine/Planning/RunPlanner.swift", "guard ‹outcome.outcome.changedTheStore› else", "outcome.outcome.isSuccess"),
    ("SyncEngine/Planning/RunPlanner.swift", "if ‹stored?.sources.contains(where: { $0 != run.source }) == true› {", "false"),
    ("SyncEngine/Planning/ExportStanding.swift", ", ‹time <= same.time› {", "time < same.time"),
    ("SyncEngine/Planning/ExportStanding.swift", "snapshots.filter { ‹$0.export.time > time› &&", "false"),
    ("SyncEngine/Planning/ExportStanding.swift", "applied.removedUntil, ‹time <= until› {", "time < until"),
    ("SyncEngine/Applying/Resumption.swift", "stored.runNumber, ‹later > entry.runNumber›,", "false"),
    ("SyncEngine/Planning/ExportOrder.swift", "‹min(stated ?? firstSeen, firstSeen)›", "stated ?? firstSeen"),
    # What is saved, sealed and approved.
    (SAVED, "guard ‹saved.store == ledger.store› else", "true"),
    (SAVED, "guard ‹now < saved.expires› else", "true"),
    (SAVED, "guard try ‹ledger.revision() == saved.revision› else", "true"),
    (SAVED, "guard ‹FileSystem.exists(export.path)› else", "false"),
    (SAVED, "guard ‹end.lines == count && seal.matches(end.seal)› else", "end.lines == count"),
    (WAITING, "&& ‹plan == waiting.planDigest› &&", "true"),
    (WAITING, "&& ‹now < expires›\n", "true"),
    (WAITING, "&& ‹given <= now + 60›", "true"),
    (WAITING, "if let deletes, ‹deletes < needed› {", "false"),
    ("SyncEngine/Approval/SealedRecord.swift", "guard ‹seal(line, name, key).matches(String(decoding: bytes[(end + 1)...].dropLast(), as: UTF8.self))› else", "true"),
    ("SyncEngine/Approval/WaitingRuns.swift", "status.kind == .regular, ‹status.isWritable(onlyBy: owner)›", "true"),
    # The ledger.
    ("Ledger/Journal/JournalRows.swift", "guard ‹db.changesCount == 1› else", "true"),
    ("Ledger/Journal/JournalRows.swift", "hasFailedCreate = ‹true›", "false"),
    ("Ledger/Journal/Runs.swift", "&& ‹$0.approvedDeletes == nil› &&", "true"),
    ("Ledger/Journal/Runs.swift", "‹[.applying, .finished, .stopped].contains($0.state)› &&", "[.finished].contains($0.state)"),
    ("Ledger/Journal/RunRemoval.swift", 'if ‹run["counts"]›, id >=', "false"),
    ("Ledger/Journal/RunRemoval.swift", "if ‹try decides(number, source)› {", "false"),
    ("Ledger/Journal/RunRemoval.swift", "|| ‹state == \"stopped\" && (run[\"later\"] as String?) == nil› {", "false"),
    # What an export says of itself.
    ("ExportFiles/ExportChecksum.swift", "guard ‹own != digest› else", "false"),
    ("ExportFiles/ExportManifest.swift", "if let sha256, ‹sha256 != facts.sha256› {", "false"),
    ("ExportFiles/ExportManifest.swift", "parts.isEmpty, ‹records != facts.records› {", "records > facts.records"),
    ("ExportFiles/CSV/CSVReading.swift", "mayBeCut = ‹requiresFinalNewline && !block.found.endsWithNewline && trailer == nil›", "false"),
    ("ExportFiles/CSV/CSVTrailer.swift", "&& ‹count >= Self.fewest› { return false }", "false"),
    ("ExportFiles/Packing/ExpansionLimit.swift", "if ‹produced / Self.ratio > packed› {", "false"),
    # The inbox and its jobs.
    ("SyncService/Jobs/JobRuns.swift", "‹!facts.mayBeCut || options.missingFinalNewline == .makesNoDeletes›,", "true"),
    ("SyncService/Jobs/JobRuns.swift", "return stopped.last { ‹$0.exports.map(\\.digest) == digests› }", "true"),
    ("SyncService/Jobs/JobRuns.swift", "if fate == nil, ‹waited?.approval == nil› {", "true"),
    ("SyncService/Inbox/Supersession.swift", "if ‹kinds.isSubset(of: covered)› {", "!covered.isEmpty"),
    ("SyncService/Inbox/Supersession.swift", "if ‹isApplied› {", "true"),
    ("SyncService/Inbox/InboxWatch.swift", "flatMap { ‹$0.entry == entry› ? $0 : nil }", "true"),
    ("SyncService/Inbox/InboxWatch.swift", "|| ‹since != nil && still >= settle› ?", "still >= settle"),
    ("SyncService/Status/TokenGate.swift", "if ‹left > .zero› {", "false"),
    ("SyncService/Inbox/ExportSets.swift", "parts.prefix { ‹newest - $0.entry.modified <= within› }", "true"),
]
