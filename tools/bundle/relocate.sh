# Tells Open MPI and PMIx, which were built for other folders, that they are below $here. Scripts source this file.
export OPAL_PREFIX="$here" OPAL_BINDIR="$here/bin" OPAL_LIBDIR="$here/lib" OPAL_PKGLIBDIR="$here/lib/openmpi"
export OPAL_DATADIR="$here/share" OPAL_PKGDATADIR="$here/share/openmpi" OPAL_SYSCONFDIR="$here/etc"
export PMIX_PREFIX="$here" PMIX_LIBDIR="$here/lib" PMIX_PKGLIBDIR="$here/lib/pmix"
export PMIX_DATADIR="$here/share" PMIX_PKGDATADIR="$here/share/pmix" PMIX_SYSCONFDIR="$here/etc"
export HWLOC_PLUGINS_PATH="$here/lib/hwloc"  # has no plug-ins: the machine's fit only its own hwloc
export HOME="${HOME:-/}"  # PMIx crashes if HOME is not set and the user has no passwd entry
