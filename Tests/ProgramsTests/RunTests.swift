// Runs of real programs.

import Programs
import Testing
