-- A server set up as in the old days: '\' does not end where the standard says.
ALTER DATABASE backslash SET standard_conforming_strings = off;
