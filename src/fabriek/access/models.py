"""Who asks and who judges: access modes, calls, applications, checks, reviews, decisions, objections.

Which state may follow which, by whose act and under which guard is written once, in `lifecycle.py`.
"""

from __future__ import annotations

from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from fabriek.conf.leases import Leased, constraints_of
from fabriek.people.models import Organisation, OrganisationClass
from fabriek.programmes.models import Programme
from fabriek.projects.models import Project
from fabriek.register.models import Factory, Partition


class ReviewKind(models.TextChoices):
    """How an application is judged: by technical reviewers alone, or by peers once it was assessed technically."""

    TECHNICAL = "technical", _("Technical assessment")
    PEER = "peer", _("Technical assessment and peer review")


class AccessMode(models.Model):
    """A template for calls: who may ask for how much, how it is judged and when the answer comes."""

    code = models.SlugField(max_length=60, unique=True)
    family = models.CharField(max_length=120)
    name = models.CharField(max_length=120)
    unit = models.CharField(max_length=20, default="gpu-hour", help_text="of the limits: gpu-hour, node-hour or sbu")
    minimum = models.PositiveBigIntegerField(null=True, blank=True, help_text="in the unit")
    maximum = models.PositiveBigIntegerField(null=True, blank=True, help_text="in the unit")
    durations_months = models.JSONField(default=list)
    classes = models.JSONField(default=list, help_text="organisation classes that may apply; empty: all")
    continuous = models.BooleanField(help_text="decided as applications come in, not after a cut-off")
    answer_working_days = models.PositiveIntegerField(null=True, blank=True)
    answer_text = models.CharField(max_length=200, blank=True, help_text="the answer time in the source's own words")
    review = models.CharField(max_length=10, choices=ReviewKind)
    criteria = models.JSONField(
        default=list, help_text='[{"code": "excellence", "name": "...", "weight": 1, "scale": 5}]'
    )
    threshold = models.DecimalField(max_digits=5, decimal_places=2, default=60, help_text="of a score out of 100")
    reviewers = models.PositiveSmallIntegerField(default=1, help_text="reviews an application gets")
    award_code = models.CharField(max_length=60, blank=True, help_text="pattern of award numbers")
    cost = models.CharField(max_length=300, blank=True)
    eligibility = models.TextField(blank=True)
    facts = models.JSONField(default=dict)
    is_open_to_calls = models.BooleanField(default=False, help_text="complete enough to open a call from")

    class Meta:
        ordering = ["family", "name"]

    def __str__(self) -> str:
        return self.name


class CallState(models.TextChoices):
    PLANNED = "planned", _("Planned")
    OPEN = "open", _("Open")
    CLOSED = "closed", _("Closed")


class Scoring(models.TextChoices):
    """What an application's score is. The officer chooses when the call opens, before any score is there to see."""

    MEAN = "mean", _("Mean of the reviews")
    CALIBRATED = "calibrated", _("Calibrated between strict and lenient reviewers")


class Call(models.Model):
    """A call for applications. Copies the access mode's terms when it is made, so that they can't change under it."""

    code = models.SlugField(max_length=60, unique=True)
    title = models.CharField(max_length=200)
    access_mode = models.ForeignKey(AccessMode, models.PROTECT, related_name="calls")
    factory = models.ForeignKey(Factory, models.PROTECT, related_name="calls")
    programme = models.ForeignKey(Programme, models.PROTECT, related_name="calls")
    partitions = models.ManyToManyField(Partition, related_name="calls")
    state = models.CharField(max_length=10, choices=CallState, default=CallState.PLANNED)
    opens = models.DateTimeField()
    closes = models.DateTimeField(help_text="the cut-off")
    first_month = models.DateField(help_text="first month that can be asked for")
    months = models.PositiveSmallIntegerField(help_text="how many months are offered")
    minimum_gpu_hours = models.PositiveBigIntegerField(null=True, blank=True)
    maximum_gpu_hours = models.PositiveBigIntegerField(null=True, blank=True)
    durations_months = models.JSONField(default=list)
    classes = models.JSONField(default=list)
    continuous = models.BooleanField(default=False)
    answer_working_days = models.PositiveIntegerField()
    review = models.CharField(max_length=10, choices=ReviewKind)
    reply_working_days = models.PositiveSmallIntegerField(
        default=0, help_text="working days in which applicants may reply to the reviews before the decision; 0: none"
    )
    criteria = models.JSONField(default=list)
    threshold = models.DecimalField(max_digits=5, decimal_places=2)
    reviewers = models.PositiveSmallIntegerField(default=1)
    reviewer_limit = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="the most reviews of this call that one reviewer gets"
    )
    scoring = models.CharField(max_length=10, choices=Scoring, default=Scoring.MEAN)
    value = models.CharField(
        max_length=20,
        default="score*sqrt(hours)",
        choices=[(v, v) for v in ("score", "score*hours", "score*sqrt(hours)")],
        help_text="what the decision makes as great as possible",
    )
    text = models.TextField(blank=True)
    is_demo = models.BooleanField(default=False)

    class Meta:
        ordering = ["-opens"]
        constraints = [
            models.CheckConstraint(condition=Q(closes__gt=F("opens")), name="call_period"),
            models.CheckConstraint(condition=Q(first_month__day=1, months__gt=0), name="call_whole_months"),
            models.CheckConstraint(condition=Q(state__in=CallState.values), name="call_state_known"),
            models.CheckConstraint(condition=Q(scoring__in=Scoring.values), name="call_scoring_known"),
            # Severities show where two judge the same application, and are known when all reviews are in.
            models.CheckConstraint(
                condition=~Q(scoring="calibrated") | Q(reviewers__gt=1, continuous=False), name="call_can_be_calibrated"
            ),
        ]

    def __str__(self) -> str:
        return self.title


class ApplicationState(models.TextChoices):
    DRAFT = "draft", _("Draft")
    SUBMITTED = "submitted", _("Submitted")
    ELIGIBLE = "eligible", _("Eligible")
    INELIGIBLE = "ineligible", _("Not eligible")
    ASSESSED = "assessed", _("Technically sound")
    INFEASIBLE = "infeasible", _("Not feasible")
    IN_REVIEW = "in-review", _("In review")
    REVIEWED = "reviewed", _("Reviewed")
    AWARDED = "awarded", _("Awarded")
    REJECTED = "rejected", _("Not awarded")
    WITHDRAWN = "withdrawn", _("Withdrawn")


class Application(models.Model):
    """A request for hours under a call. A draft saves itself; once submitted its content is fixed."""

    code = models.SlugField(max_length=60, unique=True)
    call = models.ForeignKey(Call, models.PROTECT, related_name="applications")
    applicant = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="applications")
    organisation = models.ForeignKey(Organisation, models.PROTECT, null=True, blank=True, related_name="applications")
    organisation_class = models.CharField(max_length=20, choices=OrganisationClass, blank=True)
    country = models.CharField(max_length=2, blank=True)
    commercial = models.BooleanField(default=False)
    title = models.CharField(max_length=200, blank=True)
    summary = models.TextField(blank=True, help_text="what will be done and why it matters")
    method = models.TextField(blank=True, help_text="software, scaling, why these hours")
    data_statement = models.TextField(blank=True, help_text="which data, whose, where")
    ethics = models.JSONField(default=dict, help_text="self-assessment: question code -> answer")
    keywords = models.JSONField(default=list)
    state = models.CharField(max_length=12, choices=ApplicationState, default=ApplicationState.DRAFT)
    version = models.PositiveIntegerField(default=0, help_text="counts changes; an edit of an older version is refused")
    created_at = models.DateTimeField(default=timezone.now)
    saved_at = models.DateTimeField(default=timezone.now)
    submitted_at = models.DateTimeField(null=True, blank=True)
    answer_due = models.DateTimeField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    score = models.DecimalField(max_digits=5, decimal_places=2, null=True, blank=True, help_text="consensus, of 100")
    reply_until = models.DateTimeField(null=True, blank=True, help_text="until when the applicant may reply")
    is_demo = models.BooleanField(default=False)
    origin = models.CharField(max_length=200, blank=True, help_text="where demo data comes from")

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["call", "state"], name="application_of_call")]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=ApplicationState.values), name="application_state_known"),
            models.CheckConstraint(
                condition=Q(state__in=["draft", "withdrawn"])
                | Q(submitted_at__isnull=False, answer_due__isnull=False, organisation__isnull=False),
                name="application_submitted_is_complete",
            ),
            models.CheckConstraint(
                condition=Q(score__isnull=True) | Q(score__gte=0, score__lte=100), name="score_range"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.title}"


class Alternative(models.Model):
    """One way to serve an application: hours on a partition over months. In order of preference."""

    application = models.ForeignKey(Application, models.CASCADE, related_name="alternatives")
    place = models.PositiveSmallIntegerField(help_text="0 is preferred")
    partition = models.ForeignKey(Partition, models.PROTECT)
    first_month = models.DateField()
    months = models.PositiveSmallIntegerField()
    gpu_hours = models.PositiveBigIntegerField()

    class Meta:
        ordering = ["application", "place"]
        constraints = [
            models.UniqueConstraint(fields=["application", "place"], name="alternative_place_once"),
            models.CheckConstraint(condition=Q(months__gt=0, gpu_hours__gt=0), name="alternative_asks_something"),
            models.CheckConstraint(condition=Q(first_month__day=1), name="alternative_whole_months"),
        ]


class Partner(models.Model):
    """An organisation that applies together with the applicant's own."""

    application = models.ForeignKey(Application, models.CASCADE, related_name="partners")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["application", "organisation"], name="partner_once")]


class Attachment(models.Model):
    """A PDF that goes with an application. The file is outside the web root, see `attachments.py`."""

    application = models.ForeignKey(Application, models.CASCADE, related_name="attachments")
    key = models.UUIDField(unique=True, default=uuid4, editable=False)
    name = models.CharField(max_length=120)
    size = models.PositiveIntegerField(help_text="in bytes")
    sha256 = models.CharField(max_length=64)
    added_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["added_at", "id"]
        constraints = [models.UniqueConstraint(fields=["application", "sha256"], name="attachment_once")]

    def __str__(self) -> str:
        return self.name


class EligibilityCheck(models.Model):
    """The automatic rules' answers and the verdict of a person."""

    application = models.OneToOneField(Application, models.CASCADE, related_name="eligibility_check")
    findings = models.JSONField(help_text='[{"rule": "...", "holds": true, ...}], told by `findings.finding_words`')
    eligible = models.BooleanField()
    remark = models.TextField(blank=True)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    made_at = models.DateTimeField(default=timezone.now)


class TechnicalAssessment(models.Model):
    """Whether the work can be done on what is asked for: the verdict of the host's application support.

    A step of its own before peer review; where a call has no peer review, its reviews are the technical assessment.
    """

    application = models.OneToOneField(Application, models.CASCADE, related_name="technical_assessment")
    feasible = models.BooleanField()
    remark = models.TextField(help_text="shown to the applicant, and to the peer reviewers")
    confidential_remark = models.TextField(blank=True, help_text="for the officers only")
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    made_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.CheckConstraint(condition=~Q(remark=""), name="assessment_says_why")]


class Conflict(models.Model):
    """A declared conflict of interest. Those that follow from organisations and projects are found by rule."""

    application = models.ForeignKey(Application, models.CASCADE, related_name="conflicts")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="conflicts")
    why = models.CharField(max_length=300)
    declared_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["application", "person"], name="conflict_once")]


class ReviewState(models.TextChoices):
    ASSIGNED = "assigned", _("To do")
    SUBMITTED = "submitted", _("Done")
    DECLINED = "declined", _("Declined")


class Review(models.Model):
    """One reviewer's scores of one application. `kind` tells a technical assessment from a peer review."""

    application = models.ForeignKey(Application, models.CASCADE, related_name="reviews")
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="reviews")
    kind = models.CharField(max_length=10, choices=ReviewKind)
    state = models.CharField(max_length=10, choices=ReviewState, default=ReviewState.ASSIGNED)
    scores = models.JSONField(default=dict, help_text="criterion code -> points on its scale")
    remark = models.TextField(blank=True, help_text="shown to the applicant")
    confidential_remark = models.TextField(blank=True, help_text="for the officers only")
    assigned_at = models.DateTimeField(default=timezone.now)
    submitted_at = models.DateTimeField(null=True, blank=True)
    # What its reviewer is still writing stands apart from what was handed in, so that nothing counts it by accident.
    draft = models.JSONField(default=dict, blank=True, help_text="scores, remark, confidential_remark: not handed in")
    version = models.PositiveIntegerField(default=0, help_text="goes up with each save and each handing in")
    saved_at = models.DateTimeField(null=True, blank=True, help_text="of the draft")

    class Meta:
        ordering = ["assigned_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["application", "reviewer", "kind"], name="review_once"),
            models.CheckConstraint(
                condition=~Q(state="submitted") | Q(submitted_at__isnull=False), name="review_submitted_has_date"
            ),
        ]


class Reply(models.Model):
    """The applicant's answer to what the reviewers say, before the decision. Empty: nothing to add, go on."""

    application = models.OneToOneField(Application, models.CASCADE, related_name="reply")
    text = models.TextField(blank=True)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    made_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name_plural = "replies"


class Scenario(models.Model):
    """A question to the optimiser, kept as it was asked: its problem, what it supposes, who asked, when and why.

    Without changes it is the calls as they stand; with changes it is a what-if, and `base` is the same calls as they
    stood at that moment. The database refuses to change or delete a scenario and its answer.
    """

    code = models.SlugField(max_length=60, unique=True)
    calls = models.ManyToManyField(Call, related_name="scenarios")
    base = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="variants")
    changes = models.JSONField(default=list, blank=True, help_text="what it supposes, and what stood there instead")
    problem = models.TextField(help_text="fabriek/problem/1, canonical: equal problems have equal texts")
    problem_sha256 = models.CharField(max_length=64, db_index=True)
    gap = models.FloatField(help_text="of the solver: stop within this part of the bound")
    seconds = models.FloatField(help_text="of the solver: at most so long")
    seed = models.PositiveIntegerField(default=0, help_text="of the solver")
    why = models.CharField(max_length=500, blank=True)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(default=timezone.now)
    is_demo = models.BooleanField(default=False)

    class Meta:
        ordering = ["-asked_at", "-id"]
        constraints = [
            models.CheckConstraint(condition=Q(base__isnull=True) | ~Q(why=""), name="what_if_says_why"),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def is_what_if(self) -> bool:
        """Whether it supposes something that was not so when it was asked."""
        return self.base_id is not None


class ScenarioAnswer(models.Model):
    """The plan that answers a scenario, with its certificate, as the solver gave it. Never changed, never deleted."""

    scenario = models.OneToOneField(Scenario, models.PROTECT, primary_key=True, related_name="answer")
    plan = models.TextField(help_text="fabriek/plan/1, with its certificate")
    value = models.FloatField()
    bound = models.FloatField()
    gap = models.FloatField()
    status = models.CharField(max_length=10)
    awarded = models.PositiveIntegerField(help_text="applications")
    gpu_hours = models.FloatField(help_text="awarded")
    shortfalls = models.PositiveIntegerField(help_text="promises that lack hours")
    greedy_value = models.FloatField(help_text="what rank order would have given, to compare")
    took = models.FloatField(help_text="seconds of solving")
    solved_at = models.DateTimeField(default=timezone.now)


class RunState(models.TextChoices):
    ASKED = "asked", _("Waits for the solver")
    SOLVING = "solving", _("Being solved")
    SOLVED = "solved", _("Solved")
    CANCELLED = "cancelled", _("Cancelled")
    FAILED = "failed", _("Failed")


class ScenarioRun(Leased):
    """How far the solving of a scenario is, and who holds it."""

    scenario = models.OneToOneField(Scenario, models.PROTECT, primary_key=True, related_name="run")
    state = models.CharField(max_length=10, choices=RunState, default=RunState.ASKED)

    class Meta:
        ordering = ["asked_at", "pk"]
        constraints = constraints_of(RunState, "solving", "run")


class InquiryOf(models.TextChoices):
    """What can be asked of a plan that takes solving again."""

    APPLICATION = "application", _("An application's outcome, and what would have changed it")
    PROMISES = "promises", _("What keeping each promise costs")
    PARTITIONS = "partitions", _("What more of each partition would add")


class InquiryState(models.TextChoices):
    ASKED = "asked", _("Waits for the worker")
    SOLVING = "solving", _("Being solved")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")


class Inquiry(models.Model):
    """A question why, put to a scenario's plan. Asked once for all who may read it, and answered by the worker.

    The answer is kept as it was found: codes and numbers, of which `words.py` makes sentences. `done` of at most
    `most` problems were solved again.
    """

    scenario = models.ForeignKey(Scenario, models.PROTECT, related_name="inquiries")
    of = models.CharField(max_length=12, choices=InquiryOf)
    application = models.ForeignKey(Application, models.PROTECT, null=True, blank=True, related_name="inquiries")
    state = models.CharField(max_length=8, choices=InquiryState, default=InquiryState.ASKED)
    done = models.PositiveIntegerField(default=0)
    most = models.PositiveIntegerField()
    answer = models.TextField(blank=True, help_text="fabriek/explanation/1, or its prices")
    fault = models.TextField(blank=True)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)
    worker = models.CharField(max_length=255, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "inquiries"
        constraints = [
            models.UniqueConstraint(
                fields=["scenario", "application"], condition=Q(of="application"), name="inquiry_of_application_once"
            ),
            models.UniqueConstraint(
                fields=["scenario", "of"], condition=~Q(of="application"), name="inquiry_of_prices_once"
            ),
            models.CheckConstraint(
                condition=Q(of="application", application__isnull=False)
                | (Q(of__in=["promises", "partitions"]) & Q(application__isnull=True)),
                name="inquiry_names_its_application",
            ),
            models.CheckConstraint(condition=Q(state__in=InquiryState.values), name="inquiry_state_known"),
            models.CheckConstraint(
                condition=Q(state="done") & ~Q(answer="") & Q(ended_at__isnull=False) | ~Q(state="done") & Q(answer=""),
                name="inquiry_done_has_answer",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.of} {self.scenario_id}"

    @property
    def is_under_way(self) -> bool:
        """Whether something still comes of it."""
        return self.state in (InquiryState.ASKED, InquiryState.SOLVING)


class DecisionState(models.TextChoices):
    PROPOSED = "proposed", _("Proposed")
    PUBLISHED = "published", _("Published")
    DISCARDED = "discarded", _("Discarded")


class DecisionOrigin(models.TextChoices):
    """When it is decided: all together after a cut-off, one by one as they come, or again from what came back."""

    CUT_OFF = "cut-off", _("After a cut-off")
    CONTINUOUS = "continuous", _("As they come")
    ROLLING = "rolling", _("Offered again")


class Decision(models.Model):
    """One decision over the reviewed applications of one or more calls: the stored inputs, the plan, the certificate.

    `problem` is `fabriek/problem/1` and `plan` is `fabriek/plan/1`, kept as the exact text, so that anyone can verify
    it with `fabriek verify`.
    """

    code = models.SlugField(max_length=60, unique=True)
    origin = models.CharField(max_length=12, choices=DecisionOrigin, default=DecisionOrigin.CUT_OFF)
    scenario = models.ForeignKey(
        Scenario,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="decisions",
        help_text="the stored scenario that was chosen; nothing that is decided after a cut-off is published without",
    )
    calls = models.ManyToManyField(Call, related_name="decisions")
    state = models.CharField(max_length=10, choices=DecisionState, default=DecisionState.PROPOSED)
    problem = models.TextField()
    problem_sha256 = models.CharField(max_length=64)
    plan = models.TextField()
    greedy_value = models.FloatField(help_text="what rank order would have given, to compare")
    decided_by = models.CharField(max_length=200, help_text="the body that decides")
    legal_basis = models.CharField(max_length=300)
    how_to_object = models.TextField()
    sign_off = models.JSONField(
        default=list, blank=True, help_text="the programmes' routes as they were when it was proposed: [{title, role}]"
    )
    proposed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField(default=timezone.now)
    published_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    published_at = models.DateTimeField(null=True, blank=True)
    is_demo = models.BooleanField(default=False)

    class Meta:
        ordering = ["-proposed_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(state="published") | Q(published_by__isnull=False, published_at__isnull=False),
                name="decision_published_by_somebody",
            )
        ]

    def __str__(self) -> str:
        return self.code


class Initial(models.Model):
    """Somebody's initials under a proposal, or with what it was sent back: once a step, and once a person."""

    decision = models.ForeignKey(Decision, models.PROTECT, related_name="initials")
    step = models.PositiveSmallIntegerField(help_text="its place in the decision's sign-off route, from 0")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    agrees = models.BooleanField()
    remark = models.TextField(blank=True)
    given_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["step"]
        constraints = [
            models.UniqueConstraint(fields=["decision", "step"], name="initial_once_a_step"),
            models.UniqueConstraint(fields=["decision", "person"], name="initial_once_a_person"),
            models.CheckConstraint(condition=Q(agrees=True) | ~Q(remark=""), name="initial_sent_back_says_why"),
        ]

    def __str__(self) -> str:
        return f"{self.decision_id} step {self.step + 1}"


class Outcome(models.Model):
    """What a published decision means for one application.

    An application has one outcome that holds; one that an upheld objection set aside stays on record.
    """

    decision = models.ForeignKey(Decision, models.PROTECT, related_name="outcomes")
    application = models.ForeignKey(Application, models.PROTECT, related_name="outcomes")
    set_aside_at = models.DateTimeField(null=True, blank=True, help_text="when an objection was upheld")
    awarded = models.BooleanField()
    alternative = models.ForeignKey(Alternative, models.PROTECT, null=True, blank=True)
    gpu_hours = models.PositiveBigIntegerField(default=0)
    reason = models.CharField(max_length=20, blank=True)
    detail = models.JSONField(default=dict)
    why = models.JSONField(default=dict, blank=True, help_text="fabriek/explanation/1, as it was when it was decided")
    explanation = models.TextField(help_text="in words an applicant accepts")
    project = models.OneToOneField(Project, models.PROTECT, null=True, blank=True, related_name="outcome")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["application"], condition=Q(set_aside_at__isnull=True), name="outcome_holds_once"
            ),
            models.CheckConstraint(
                condition=Q(awarded=True, project__isnull=False, alternative__isnull=False, gpu_hours__gt=0)
                | (Q(awarded=False, project__isnull=True, gpu_hours=0) & ~Q(reason="")),
                name="outcome_is_award_or_refusal",
            ),
        ]


class TaskVerb(models.TextChoices):
    """What can be done with many applications of a call at once."""

    CHECK = "check", _("Eligibility check")
    ASSIGN = "assign", _("Assignment of reviewers")
    SETTLE = "settle", _("Settling of scores")


class TaskState(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")


class Task(models.Model):
    """Work on many applications of a call that goes on after the request that asked for it, and after a restart.

    `done` of `total` are through; `refused` has a sentence for each that was not. `worker` is the machine that runs it:
    what it was at when it stopped, it takes up again when it starts.
    """

    call = models.ForeignKey(Call, models.PROTECT, related_name="tasks")
    verb = models.CharField(max_length=10, choices=TaskVerb)
    state = models.CharField(max_length=10, choices=TaskState, default=TaskState.WAITING)
    total = models.PositiveIntegerField()
    done = models.PositiveIntegerField(default=0)
    refused = models.JSONField(default=list)
    stage = models.CharField(max_length=20, blank=True, help_text="what it is at, where it doesn't go one by one")
    sentence = models.TextField(blank=True, help_text="why it failed")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    worker = models.CharField(max_length=255, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["call", "verb"], condition=Q(state__in=["waiting", "running"]), name="task_goes_on_once"
            ),
            models.CheckConstraint(condition=Q(state__in=TaskState.values), name="task_state_known"),
            models.CheckConstraint(
                condition=~Q(state__in=["done", "failed"]) | Q(ended_at__isnull=False), name="task_ended_has_date"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_verb_display()}: {self.call_id}"

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will come of it."""
        return self.state in (TaskState.DONE, TaskState.FAILED)


class Objection(models.Model):
    """An applicant's objection to an outcome, and the answer to it."""

    outcome = models.OneToOneField(Outcome, models.PROTECT, related_name="objection")
    text = models.TextField()
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    made_at = models.DateTimeField(default=timezone.now)
    answer = models.TextField(blank=True)
    upheld = models.BooleanField(null=True, blank=True)
    answered_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(answered_at__isnull=True)
                | (~Q(answer="") & Q(upheld__isnull=False, answered_by__isnull=False)),
                name="objection_answer_complete",
            )
        ]


class NotYet(models.Model):
    """The last 'not yet' that an application in a continuous call was told: what is free, and what is kept for whom."""

    application = models.OneToOneField(Application, models.CASCADE, related_name="not_yet")
    first_at = models.DateTimeField(default=timezone.now)
    at = models.DateTimeField(default=timezone.now)
    detail = models.JSONField(default=dict)
