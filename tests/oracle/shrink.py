"""shrink: makes a script that shows a difference as small as it can, by leaving
out and simplifying, and playing what is left from the beginning."""
import copy
import time

PLAYS_MAX = 1500
SECONDS_MAX = 60
PLAIN = [b"a", b"0", b"1"]


class Shrinker:
    def __init__(self, play, signature):
        """play(steps) gives the first Difference or None."""
        self.play = play
        self.signature = signature
        self.plays = 0
        self.end = time.monotonic() + SECONDS_MAX

    def shows(self, steps):
        """Whether these steps still show what is sought."""
        if (not steps or self.plays >= PLAYS_MAX or
                time.monotonic() > self.end):
            return False
        self.plays += 1
        found = self.play(steps)
        return found is not None and found.signature == self.signature

    def shrink(self, steps):
        """The smallest script found; the one given if it does not show the
        difference again."""
        steps = copy.deepcopy(steps)
        if not self.shows(steps):
            return steps
        steps = self._one_at_a_time(steps)
        size = None
        while size != len(steps):
            size = len(steps)
            steps = self._drop_steps(steps)
        steps = self._drop_commands(steps)
        steps = self._plain_words(steps)
        return self._same_session(steps)

    def _one_at_a_time(self, steps):
        apart = copy.deepcopy(steps)
        for step in apart:
            step.is_joined = False
        return apart if self.shows(apart) else steps

    def _drop_steps(self, steps):
        """Delta debugging: ever smaller runs of steps are left out."""
        run = max(len(steps) // 2, 1)
        while run:
            begin = len(steps)
            while begin > 0:
                begin = max(begin - run, 0)
                less = steps[:begin] + steps[begin + run:]
                if self.shows(less):
                    steps = less
            run //= 2
        return steps

    def _drop_commands(self, steps):
        for i in range(len(steps)):
            for j in reversed(range(len(steps[i].commands))):
                if len(steps[i].commands) > 1:
                    less = copy.deepcopy(steps)
                    del less[i].commands[j]
                    if self.shows(less):
                        steps = less
        return steps

    def _plain_words(self, steps):
        """Words are left out, then long ones made short."""
        for i, step in enumerate(steps):
            for j in range(len(step.commands)):
                k = len(steps[i].commands[j]) - 1
                while k > 0:
                    less = copy.deepcopy(steps)
                    del less[i].commands[j][k]
                    if self.shows(less):
                        steps = less
                    elif len(steps[i].commands[j][k]) > 2:
                        steps = self._plain_word(steps, i, j, k)
                    k -= 1
        return steps

    def _plain_word(self, steps, i, j, k):
        for plain in PLAIN:
            other = copy.deepcopy(steps)
            other[i].commands[j][k] = plain
            if self.shows(other):
                return other
        return steps

    def _same_session(self, steps):
        one = copy.deepcopy(steps)
        for step in one:
            step.session = 1
        return one if self.shows(one) else steps
