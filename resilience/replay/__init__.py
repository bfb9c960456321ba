"""What a log's past would have been: the real circuit, retry and chain code, fed with what the log recorded.

Values in, values out. docs/whatif.md says what can be made again exactly, what is drawn and what cannot be known.
"""

from resilience.replay.asked import Asked as Asked
from resilience.replay.asked import Past as Past
from resilience.replay.asked import past as past
from resilience.replay.circuits import Change as Change
from resilience.replay.circuits import Reproduction as Reproduction
from resilience.replay.circuits import reproduced as reproduced
from resilience.replay.drawing import Source as Source
from resilience.replay.life import Life as Life
from resilience.replay.life import lives as lives
from resilience.replay.playing import Played as Played
from resilience.replay.playing import play_again as play_again
from resilience.replay.settings import NAMES as NAMES
from resilience.replay.settings import UNKNOWN as UNKNOWN
from resilience.replay.settings import InForce as InForce
from resilience.replay.settings import ReplayError as ReplayError
