// Tests of the journal.
