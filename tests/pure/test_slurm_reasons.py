"""Every word that Slurm has for waiting falls into one of a handful of sentences."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lnode.schedulers.known import reason_in_words as in_words
from lnode.schedulers.slurm_reasons import Reason, explain

# job_state_reason.c of Slurm 24.11, each word once; and below what older versions said
WORDS = {
    "waits its turn": "Priority Resources SchedDefer FedJobLock None",
    "is about to start": "Prolog Cleaning",
    "waits for licenses or storage": "Licenses BurstBufferResources BurstBufferStageIn",
    "waits because your own limit is reached": """
        AssociationJobLimit AssociationResourceLimit QOSJobLimit QOSResourceLimit AssocMaxJobsLimit
        AssocMaxSubmitJobLimit JobArrayTaskLimit AccountingPolicy QOSMaxCpuPerUserLimit QOSMaxJobsPerUserLimit
        QOSMaxNodePerUserLimit QOSMaxSubmitJobPerUserLimit QOSMaxUnknownPerUser QOSMaxMemoryPerUser
        QOSMaxEnergyPerUser QOSMaxGRESPerUser QOSMaxLicensePerUser QOSMaxBBPerUser QOSMaxBillingPerUser""",
    "waits because your group's limit is reached": """
        QOSGrpCpuLimit QOSGrpCPURunMinutesLimit QOSGrpJobsLimit QOSGrpMemLimit QOSGrpNodeLimit QOSGrpSubmitJobsLimit
        AssocGrpCpuLimit AssocGrpCPURunMinutesLimit AssocGrpJobsLimit AssocGrpMemLimit AssocGrpNodeLimit
        AssocGrpSubmitJobsLimit AssocGrpUnknown AssocGrpUnknownRunMinutes AssocGrpMemRunMinutes
        AssocGrpNodeRunMinutes AssocGrpEnergy AssocGrpEnergyRunMinutes AssocGrpGRES AssocGrpGRESRunMinutes
        AssocGrpLicense AssocGrpLicenseRunMinutes AssocGrpBB AssocGrpBBRunMinutes QOSGrpUnknown
        QOSGrpUnknownRunMinutes QOSGrpMemoryRunMinutes QOSGrpNodeRunMinutes QOSGrpEnergy QOSGrpEnergyRunMinutes
        QOSGrpGRES QOSGrpGRESRunMinutes QOSGrpLicense QOSGrpLicenseRunMinutes QOSGrpBB QOSGrpBBRunMinutes
        MaxBBPerAccount MaxCpuPerAccount MaxEnergyPerAccount MaxGRESPerAccount MaxNodePerAccount MaxLicensePerAccount
        MaxMemoryPerAccount MaxUnknownPerAccount MaxJobsPerAccount MaxSubmitJobsPerAccount AssocGrpBilling
        AssocGrpBillingRunMinutes QOSGrpBilling QOSGrpBillingRunMinutes MaxBillingPerAccount""",
    "waits because the budget of its account is used up": """
        AssociationTimeLimit QOSTimeLimit QOSUsageThreshold QOSGrpCPUMinutesLimit QOSGrpWallLimit
        AssocGrpCPUMinutesLimit AssocGrpWallLimit AssocGrpUnknownMinutes AssocGrpMemMinutes AssocGrpNodeMinutes
        AssocGrpEnergyMinutes AssocGrpGRESMinutes AssocGrpLicenseMinutes AssocGrpBBMinutes QOSGrpUnknownMinutes
        QOSGrpMemoryMinutes QOSGrpNodeMinutes QOSGrpEnergyMinutes QOSGrpGRESMinutes QOSGrpLicenseMinutes
        QOSGrpBBMinutes AssocGrpBillingMinutes QOSGrpBillingMinutes""",
    "waits for nodes that are down, reserved or about to be maintained": """
        ReqNodeNotAvail Reserved Reservation PartitionDown PartitionInactive NodeDown FrontEndDown PowerNotAvail
        PowerReserved""",
    "asks for more than one job may have here": """
        PartitionNodeLimit PartitionTimeLimit PartitionConfig MaxMemPerLimit QOSMaxCpuPerJobLimit
        QOSMaxCpuMinutesPerJobLimit QOSMaxNodePerJobLimit QOSMaxWallDurationPerJobLimit QOSMinCpuNotSatisfied
        AssocMaxCpuPerJobLimit AssocMaxCpuMinutesPerJobLimit AssocMaxNodePerJobLimit AssocMaxWallDurationPerJobLimit
        AssocMaxUnknownPerJob AssocMaxUnknownPerNode AssocMaxUnknownMinutesPerJob AssocMaxCpuPerNode AssocMaxMemPerJob
        AssocMaxMemPerNode AssocMaxMemMinutesPerJob AssocMaxNodeMinutesPerJob AssocMaxEnergyPerJob
        AssocMaxEnergyPerNode AssocMaxEnergyMinutesPerJob AssocMaxGRESPerJob AssocMaxGRESPerNode
        AssocMaxGRESMinutesPerJob AssocMaxLicensePerJob AssocMaxLicenseMinutesPerJob AssocMaxBBPerJob
        AssocMaxBBPerNode AssocMaxBBMinutesPerJob QOSMaxUnknownPerJob QOSMaxUnknownPerNode QOSMaxUnknownMinutesPerJob
        QOSMinUnknown QOSMaxCpuPerNode QOSMaxMemoryPerJob QOSMaxMemoryPerNode QOSMaxMemoryMinutesPerJob QOSMinMemory
        QOSMaxNodeMinutesPerJob QOSMinNode QOSMaxEnergyPerJob QOSMaxEnergyPerNode QOSMaxEnergyMinutesPerJob
        QOSMinEnergy QOSMaxGRESPerJob QOSMaxGRESPerNode QOSMaxGRESMinutesPerJob QOSMinGRES QOSMaxLicensePerJob
        QOSMaxLicenseMinutesPerJob QOSMinLicense QOSMaxBBPerJob QOSMaxBBPerNode QOSMinBB AssocMaxBillingPerJob
        AssocMaxBillingPerNode AssocMaxBillingMinutesPerJob QOSMaxBillingPerJob QOSMaxBillingPerNode
        QOSMaxBillingMinutesPerJob QOSMinBilling""",
    "will not start as it was asked for": """
        InvalidAccount InvalidQOS AccountNotAllowed QOSNotAllowed BadConstraints Constraints DeadLine
        DependencyNeverSatisfied ReservationDeleted ReservationInvalid""",
    "waits for a time or another job, as it was asked to": "BeginTime Dependency",
    "is held": "JobHeldAdmin JobHeldUser JobHoldMaxRequeue",
    "could not be started": """
        SystemFailure JobLaunchFailure NonZeroExitCode RaisedSignal TimeLimit InactiveLimit OutOfMemory
        BurstBufferOperation BlockMaxError""",
}
ROWS = [(word, text) for text, words in WORDS.items() for word in words.split()]


@pytest.mark.parametrize(("word", "text"), ROWS, ids=[word for word, _ in ROWS])
def test_each_word_of_slurm(word: str, text: str) -> None:
    assert explain(word).text == text


def test_they_are_about_all_and_about_a_dozen() -> None:
    assert len(ROWS) > 150
    assert len(WORDS) <= 12


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        ("ReqNodeNotAvail, UnavailableNodes:c[001-003]", "waits for nodes that are down"),
        ("ReqNodeNotAvail,_May_be_reserved_for_other_job", "waits for nodes that are down"),
        ("ReqNodeNotAvail(Unavailable:c1)", "waits for nodes that are down"),
        ("Nodes_required_for_job_are_DOWN,_DRAINED_or_reserved_for_jobs_in_higher_priority_partitions",
         "waits for nodes that are down"),
        ("(Nodes required for job are DOWN)", "waits for nodes that are down"),
        ("launch_failed_requeued_held", "is held"),
        ("(job_requeued_in_held_state)", "is held"),
        ("user_env_retrieval_failed_requeued_held", "is held"),
        ("BadConstraints", "will not start"),
        ("priority", "waits its turn"),
    ],
)  # fmt: skip
def test_descriptions_and_additions(reason: str, text: str) -> None:
    assert explain(reason).text.startswith(text)


@pytest.mark.parametrize("reason", ["QOSSomethingNew", "Whatever", "42", "", "PriorityBoost", "é"])
def test_an_unknown_word_is_nothing_but_itself(reason: str) -> None:
    assert explain(reason) == Reason("", "")
    assert in_words(reason) == (f"waits ({reason})" if reason else "waits for its node")


@given(st.text())
def test_no_word_is_beyond_words(reason: str) -> None:
    assert reason in in_words(reason)
    assert explain(reason).text == explain(f" ({reason.strip()}) ").text or "(" in reason or ")" in reason
