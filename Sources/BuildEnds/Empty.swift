// Finds out that a build has ended.
